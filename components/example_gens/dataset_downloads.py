"""The official archives that `papergarden data fetch` downloads, with their checksums.

The sizes and sha256 are those that independent public sources agree on (for the python version
Keras and torchvision among them). The authors of CIFAR-10 publish MD5:
c32a1d4ab5d03f1284b67883e8d87530 (binary) and c58f30108f718f92721af3b95e74349a (python). COCO's
authors publish none; sizes and sha256 are those of tensorflow_datasets, which others found too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetDownload:
    """An archive, and what comes out of it.

    Attributes:
        url: Where its authors keep it. Another server may be named: the checksum decides.
        sha256: Of the archive, 64 hexadecimal digits.
        archive_bytes: Size of the archive.
        unpacked_bytes: Room that the unpacked files take on a disk, about.
        folder: The one folder that it unpacks to.
        terms: Who made the data and what they ask for.
        nested: Zip archives in it, below the data root, each unpacked where it lies.
    """

    url: str
    sha256: str
    archive_bytes: int
    unpacked_bytes: int
    folder: str
    terms: str
    nested: tuple[str, ...] = ()

    @property
    def archive(self) -> str:
        """The archive's file name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class ArchiveSet:
    """Several archives that make one data set.

    Attributes:
        folder: Into which all of them are unpacked.
        archives: The archives; their folders lie in that one, and two may have the same.
    """

    folder: str
    archives: tuple[DatasetDownload, ...]

    def shares_folder(self, archive: DatasetDownload) -> bool:
        """Whether another archive unpacks to the same folder."""
        return sum(one.folder == archive.folder for one in self.archives) > 1


_CIFAR_TERMS = "Alex Krizhevsky, 2009; cite `Learning Multiple Layers of Features from Tiny Images`"

CIFAR_10_BINARY = DatasetDownload(
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    archive_bytes=170_052_171,
    unpacked_bytes=185_000_000,
    folder="cifar-10-batches-bin",
    terms=_CIFAR_TERMS,
)
CIFAR_10_PYTHON = DatasetDownload(
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    archive_bytes=170_498_071,
    unpacked_bytes=187_000_000,
    folder="cifar-10-batches-py",
    terms=_CIFAR_TERMS,
)
TINY_IMAGENET = DatasetDownload(
    # Without TLS, as the course names it; the checksum stands in for it.
    url="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    sha256="6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
    archive_bytes=248_100_043,
    # 120,000 files of about 2 KB, in blocks of 4 KB.
    unpacked_bytes=500_000_000,
    folder="tiny-imagenet-200",
    terms="Stanford CS231n, from ImageNet: for non-commercial research and education",
)
CUB_200_2011 = DatasetDownload(
    # Beside its folder the archive holds `attributes.txt`, names that nothing here reads.
    url="https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
    sha256="0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
    archive_bytes=1_150_585_339,
    unpacked_bytes=1_300_000_000,
    folder="CUB_200_2011",
    terms="Wah, Branson, Welinder, Perona, Belongie, Caltech 2011: for non-commercial research",
)

_COCO_URL = "http://images.cocodataset.org"
_COCO_TERMS = (
    "COCO Consortium; annotations CC BY 4.0, each picture under its own licence (Flickr); cite "
    "`Microsoft COCO: Common Objects in Context`"
)

COCO_2017 = ArchiveSet(
    folder="coco",
    archives=(
        DatasetDownload(
            url=f"{_COCO_URL}/annotations/annotations_trainval2017.zip",
            sha256="113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
            archive_bytes=252_907_541,
            unpacked_bytes=820_000_000,
            folder="annotations",
            terms=_COCO_TERMS,
        ),
        DatasetDownload(
            url=f"{_COCO_URL}/annotations/panoptic_annotations_trainval2017.zip",
            sha256="c05f76d2129b6b561eb70efe16e7006df62f73fb92889132d373b9d90e31a370",
            archive_bytes=860_725_834,
            # While the two archives in it are unpacked, they are there too.
            unpacked_bytes=2_500_000_000,
            folder="annotations",
            terms=_COCO_TERMS,
            nested=("annotations/panoptic_train2017.zip", "annotations/panoptic_val2017.zip"),
        ),
        DatasetDownload(
            url=f"{_COCO_URL}/zips/val2017.zip",
            sha256="4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
            archive_bytes=815_585_330,
            unpacked_bytes=840_000_000,
            folder="val2017",
            terms=_COCO_TERMS,
        ),
        DatasetDownload(
            url=f"{_COCO_URL}/zips/train2017.zip",
            sha256="69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
            archive_bytes=19_336_861_798,
            unpacked_bytes=19_800_000_000,
            folder="train2017",
            terms=_COCO_TERMS,
        ),
    ),
)
