"""Says what a file really is, when it is not what its name promises."""

from __future__ import annotations

import re

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (8, b"WEBP", "a WebP picture"),
    (8, b"WAVE", "a wav sound"),
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypheif", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyp", "an MP4 or QuickTime film"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM film"),
    (8, b"AVI ", "an AVI film"),
    (0, b"fLaC", "a FLAC sound"),
    (0, b"OggS", "an Ogg sound"),
    (0, b"ID3", "an MP3 sound"),
    (0, b"\xff\xfb", "an MP3 sound"),
    (0, b"FORM", "an AIFF sound"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf'\x1c", "a 7-zip archive"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF", "an HDF5 file"),
)


def describe_content(content: bytes) -> str:
    """A few words for what the first bytes of a file look like.

    Args:
        content: The file, or at least its first 512 bytes.

    Returns:
        For example `an HTML page (title: "404 Not Found")`.
    """
    if not content:
        return "an empty file (0 bytes)"
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = head.lower()
    if lowered.startswith((b"<!doctype html", b"<html")) or b"<html" in lowered[:512]:
        title = re.search(rb"<title[^>]*>\s*(.*?)\s*</title>", head, re.IGNORECASE | re.DOTALL)
        named = f' (title: "{title.group(1)[:80].decode(errors="replace")}")' if title else ""
        return f"an HTML page{named}"
    for offset, signature, description in _SIGNATURES:
        if content[offset : offset + len(signature)] == signature:
            return description
    if b"<svg" in lowered[:512]:
        return "an SVG drawing"
    if lowered.startswith(b"<?xml"):
        return "an XML document"
    if not content.strip(b"\0"):
        return f"{len(content)} zero bytes"
    if _is_text(content[:512]):
        return f"text beginning with {head[:40].decode(errors='replace')!r}"
    return f"{len(content)} bytes of an unknown kind, beginning with {content[:8].hex(' ')}"


def _is_text(head: bytes) -> bool:
    return all(byte >= 0x20 or byte in b"\t\r\n" for byte in head) and b"\x7f" not in head
