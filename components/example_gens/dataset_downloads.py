"""The official archives that `papergarden data fetch` downloads, with their checksums.

The sizes and sha256 are those that independent public sources agree on (for the python version
Keras and torchvision among them). The authors of CIFAR-10 publish MD5:
c32a1d4ab5d03f1284b67883e8d87530 (binary) and c58f30108f718f92721af3b95e74349a (python).
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
    """

    url: str
    sha256: str
    archive_bytes: int
    unpacked_bytes: int
    folder: str
    terms: str

    @property
    def archive(self) -> str:
        """The archive's file name."""
        return self.url.rpartition("/")[2]


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
