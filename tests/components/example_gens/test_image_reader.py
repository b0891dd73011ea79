"""Pictures of every kind: kept, converted and counted, or refused with an error that helps."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.example_gens import image_reader
from components.example_gens.image_reader import read_image, upright_size
from components.example_gens.record_source import RecordError
from components.transforms import pictures


def encode(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def noise(shape, seed=0, dtype=np.uint8) -> np.ndarray:
    limit = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, limit, shape, dtype=dtype, endpoint=True)


def smooth_rgb(height=12, width=20) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    levels = np.stack([rows * 15, columns * 10, rows * 5 + columns * 5], axis=-1)
    return Image.fromarray(levels.astype(np.uint8))


def decoded(encoded: bytes) -> np.ndarray:
    return pictures.decode_rgb(tf.constant(encoded)).numpy()


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_plain_picture_keeps_its_bytes(format, mode):
    encoded = encode(smooth_rgb().convert(mode), format)
    picture = read_image("a", encoded)
    assert picture.encoded == encoded
    assert (picture.height, picture.width) == (12, 20)
    assert picture.channels == len(mode.replace("L", "1"))
    assert picture.conversions == ()


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_plain_picture_is_decoded_once(format, monkeypatch):
    encoded = encode(smooth_rgb(), format)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded again"))
    assert read_image("a", encoded).encoded == encoded


@pytest.mark.parametrize("before_pixels", [True, False])
def test_rotation_noted_in_a_png_is_applied(before_pixels):
    exif = Image.Exif()
    exif[0x0112] = 6
    encoded = encode(smooth_rgb(12, 20), exif=exif)
    if not before_pixels:
        note = encoded.index(b"eXIf") - 4
        length = 12 + int.from_bytes(encoded[note : note + 4], "big")
        end = encoded.index(b"IEND") - 4
        chunk = encoded[note : note + length]
        encoded = encoded[:note] + encoded[note + length : end] + chunk + encoded[end:]
    picture = read_image("a", encoded)
    assert picture.conversions == ("exif_orientation_applied", "reencoded_as_png")
    assert (picture.height, picture.width) == (20, 12)


@pytest.mark.parametrize("format", ["BMP", "TIFF", "WEBP", "PPM", "GIF"])
def test_other_format_is_written_anew(format):
    options = {"lossless": True} if format == "WEBP" else {}
    picture = read_image("a", encode(smooth_rgb(), format, **options))
    assert "reencoded_as_png" in picture.conversions
    if format != "GIF":
        np.testing.assert_array_equal(decoded(picture.encoded), np.asarray(smooth_rgb()))


def test_palette_is_expanded_and_counted():
    picture = read_image("a", encode(smooth_rgb().quantize(16)))
    assert picture.conversions == ("palette_expanded", "reencoded_as_png")
    assert picture.channels == 3
    expected = np.asarray(smooth_rgb().quantize(16).convert("RGB"))
    np.testing.assert_array_equal(decoded(picture.encoded), expected)


def test_cmyk_is_converted_and_counted():
    picture = read_image("a", encode(smooth_rgb().convert("CMYK"), "JPEG", quality=95))
    assert picture.conversions == ("cmyk_to_rgb", "reencoded_as_png")
    assert np.abs(decoded(picture.encoded).astype(int) - np.asarray(smooth_rgb())).mean() < 8


def test_sixteen_bit_gray_is_scaled_to_eight():
    levels = np.array([[0, 128, 129], [257, 65535, 65407]], np.uint16)
    picture = read_image("a", encode(Image.fromarray(levels)))
    assert picture.conversions == ("sixteen_bits_to_eight", "reencoded_as_png")
    np.testing.assert_array_equal(decoded(picture.encoded)[..., 0], [[0, 0, 1], [1, 255, 255]])


def test_sixteen_bit_colour_is_noticed():
    encoded = tf.io.encode_png(noise((6, 5, 3), dtype=np.uint16)).numpy()
    assert read_image("a", encoded).conversions == ("sixteen_bits_to_eight", "reencoded_as_png")


def test_one_bit_picture_becomes_gray():
    picture = read_image("a", encode(Image.fromarray(noise((6, 5)) > 127)))
    assert picture.conversions == ("bilevel_to_gray", "reencoded_as_png")
    assert picture.channels == 1
    assert set(np.unique(decoded(picture.encoded))) == {0, 255}


@pytest.mark.parametrize(("mode", "channels"), [("RGBA", 3), ("LA", 1)])
def test_transparent_pixels_become_white(mode, channels):
    image = smooth_rgb().convert(mode)
    image.putalpha(
        Image.fromarray(
            np.where(np.arange(20) < 10, 0, 255).astype(np.uint8) * np.ones((12, 1), np.uint8)
        )
    )
    picture = read_image("a", encode(image))
    assert picture.conversions == ("alpha_composited_on_white", "reencoded_as_png")
    assert picture.channels == channels
    assert np.all(decoded(picture.encoded)[:, :10] == 255)
    opaque = np.asarray(smooth_rgb().convert(mode).convert("RGB"))[:, 10:]
    np.testing.assert_array_equal(decoded(picture.encoded)[:, 10:], opaque)


def test_palette_with_a_transparent_entry_counts_both():
    image = smooth_rgb().quantize(16)
    picture = read_image("a", encode(image, transparency=0))
    assert {"palette_expanded", "alpha_composited_on_white"} <= set(picture.conversions)


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    encoded = encode(smooth_rgb(12, 20), "JPEG", exif=exif, quality=95)
    picture = read_image("a", encoded)
    assert picture.conversions == ("exif_orientation_applied", "reencoded_as_png")
    assert (picture.height, picture.width) == (20, 12)
    assert upright_size("a", encoded) == (20, 12)
    upright = np.asarray(smooth_rgb(12, 20).rotate(-90, expand=True)).astype(int)
    assert np.abs(decoded(picture.encoded) - upright).mean() < 8


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_animation_is_refused_and_sent_to_the_video_task(format):
    frames = [Image.fromarray(noise((8, 8, 3), seed)) for seed in range(3)]
    encoded = encode(frames[0], format, save_all=True, append_images=frames[1:])
    with pytest.raises(RecordError, match="holds 3 pictures") as caught:
        read_image("dance", encoded)
    assert caught.value.reason == "animated"
    assert "task=video" in caught.value.fix


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_truncated_picture_is_refused(format):
    encoded = encode(Image.fromarray(noise((64, 64, 3))), format)
    with pytest.raises(RecordError, match=r"half\.x is truncated or damaged") as caught:
        read_image("half.x", encoded[: len(encoded) // 2])
    assert "64 x 64" in caught.value.expected


def test_picture_with_a_flipped_byte_is_refused():
    encoded = bytearray(encode(Image.fromarray(noise((64, 64, 3)))))
    encoded[len(encoded) // 2] ^= 0xFF
    with pytest.raises(RecordError, match="truncated or damaged"):
        read_image("a", bytes(encoded))


@pytest.mark.parametrize(
    ("content", "described"),
    [
        (b"", "an empty file"),
        (
            b"<!DOCTYPE html><html><head><title>404 Not Found</title>",
            'HTML page (title: "404 Not Found")',
        ),
        (b"\n\n<html lang=en>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "a Git LFS pointer"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x00\x00\x00\x20ftypheic", "a HEIC picture"),
        (b"<?xml version='1.0'?><svg>", "an SVG drawing"),
        (b"\x00" * 100, "100 zero bytes"),
        (b"Please log in\n", "text beginning with 'Please log in"),
        (b"\x01\x02\x03\x80\x90\xa0\xb0\xc0\xd0", "beginning with 01 02 03"),
    ],
)
def test_error_says_what_the_file_is(content, described):
    with pytest.raises(RecordError, match=r"photo\.jpg is not a picture") as caught:
        read_image("photo.jpg", content)
    assert described in caught.value.found


@pytest.mark.parametrize("size", [(1, 40), (40, 1), (1, 1)])
def test_picture_of_one_row_or_column_is_refused(size):
    with pytest.raises(RecordError, match="too small") as caught:
        read_image("line.png", encode(Image.new("RGB", size)))
    assert f"{size[0]} x {size[1]}" in caught.value.found


def test_huge_picture_is_refused_from_its_header(monkeypatch):
    monkeypatch.setattr(image_reader, "MAX_PIXELS", 100)
    with pytest.raises(RecordError, match=r"huge\.png is too large") as caught:
        read_image("huge.png", encode(Image.new("L", (11, 10))))
    assert caught.value.found == "11 x 10 pixels"


@pytest.mark.parametrize("pixels", [100_000_000, 200_000_000])
def test_decompression_bomb_is_not_decoded(pixels):
    # A PNG of one colour: a few hundred kilobytes that would unfold to its whole size.
    encoded = encode(Image.new("1", (pixels // 10_000, 10_000)))
    with pytest.raises(RecordError, match="too large"):
        read_image("bomb.png", encoded)


def test_float_picture_is_refused():
    values = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    with pytest.raises(RecordError, match="no fixed range"):
        read_image("a.tif", encode(Image.fromarray(values), "TIFF"))
