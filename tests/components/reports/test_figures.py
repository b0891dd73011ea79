"""Charts, pictures and sounds."""

from __future__ import annotations

import io
import re
import wave
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from components.reports import rasters
from components.reports.content import ReferencePoint
from components.reports.figures import curves, envelope, waveforms
from components.reports.siren_audio import audio_files, audio_section, loudest_stretch, wav_bytes
from components.reports.siren_figures import content_of, protocol


def read_png(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_chart_takes_its_colours_from_the_page() -> None:
    references = [ReferencePoint("psnr", 100, 26.7)]
    picture = curves(
        "PSNR",
        {"psnr": ([0, 100], [11.0, 27.0]), "other": ([0, 100], [10.0, 20.0])},
        unit="dB",
        references=references,
        reference_name="the authors",
    )
    svg = picture.svg
    ElementTree.fromstring(svg)
    for variable in ("--ink", "--muted", "--rule", "--series-1", "--series-2"):
        assert f"var({variable})" in svg
    assert not re.search(r"#0102\d\d", svg)
    assert "the authors" in svg
    assert "<script" not in svg


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [([1.0, 0.1, 0.01], True), ([1.0, 0.1, -0.01], False), ([0.2, 0.3, 0.25], False)],
)
def test_logarithm_is_taken_of_positive_losses_that_span_a_decade(
    values: list[float], logarithmic: bool
) -> None:
    svg = curves("Loss", {"loss": ([0, 1, 2], values)}, logarithmic=True).svg
    # A power of ten is set in two sizes.
    assert ("<tspan" in svg) is logarithmic


@pytest.mark.parametrize(
    ("values", "points"), [([np.nan], 0), ([], 0), ([np.inf, np.nan], 0), ([5.0], 1)]
)
def test_curve_of_hardly_any_number_is_drawn(values: list[float], points: int) -> None:
    picture = curves("Loss", {"loss": (list(range(len(values))), values)}, logarithmic=True)
    drawing = ElementTree.fromstring(picture.svg)
    assert "Loss" in [text.strip() for text in drawing.itertext()]
    # A curve too short for a line is drawn as markers, in the first colour.
    markers = [use for use in drawing.findall(".//{*}use") if "--series-1" in str(use.attrib)]
    assert len(markers) == points


def test_pixels_of_values() -> None:
    values = np.array([[[-1.0], [0.0], [1.0]], [[-3.0], [np.nan], [9.0]]])
    assert rasters.to_pixels(values)[..., 0].tolist() == [[0, 128, 255], [0, 0, 255]]


@pytest.mark.parametrize("channels", [1, 3])
def test_signal_survives_the_picture(channels: int) -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (5, 7, channels))
    picture = rasters.signal_picture(values, "x")
    pixels = read_png(picture.data).reshape(5, 7, channels)
    assert np.abs(pixels / 127.5 - 1 - values).max() <= 1 / 255 + 1e-9
    assert picture.pixelated


def test_huge_picture_is_reduced_and_says_so() -> None:
    picture = rasters.signal_picture(np.zeros((1500, 3000, 1)), "x", "target")
    assert read_png(picture.data).shape == (500, 1000)
    assert picture.caption == "target (every 3th pixel)"


def test_unknown_pixels_are_transparent() -> None:
    mask = np.array([[[1.0], [0.0]]])
    pixels = read_png(rasters.masked_picture(np.ones((1, 2, 1)), mask, "x").data)
    assert pixels[0, :, 3].tolist() == [255, 0]
    assert pixels[0, 0, :3].tolist() == [255, 255, 255]


def test_error_scale_is_written_beside_it() -> None:
    error = np.linspace(0, 0.5, 10_000).reshape(100, 100)
    picture = rasters.error_picture(error, rasters.robust_limit(error), "x")
    assert picture.scale == ("0", "0.5")
    pixels = read_png(picture.data).astype(int).sum(axis=-1)
    assert pixels[0, 0] < 20
    assert pixels[-1, -1] > 600


def test_perfect_reconstruction_is_no_division_by_zero() -> None:
    error = np.zeros((4, 4))
    picture = rasters.error_picture(error, rasters.robust_limit(error), "x")
    assert read_png(picture.data).max() < 10


def test_opposite_gradients_have_opposite_hues() -> None:
    gradient = np.zeros((1, 2, 2))
    gradient[0, 0, 1], gradient[0, 1, 1] = 1.0, -1.0
    left, right = read_png(rasters.gradient_picture(gradient, 1.0, "x").data)[0]
    assert left.argmax() == 0
    assert right.argmin() == 0


def test_signs_have_different_colours() -> None:
    values = np.array([[-1.0, 0.0, 1.0]])
    low, zero, high = read_png(rasters.signed_picture(values, 1.0, "x").data)[0].astype(int)
    assert low[2] > low[0]
    assert high[0] > high[2]
    assert zero.min() > 240


def test_envelope_keeps_the_peaks() -> None:
    samples = np.zeros(10_000)
    samples[5_431], samples[77] = 1.0, -1.0
    low, high = envelope(samples, 300)
    assert len(low) == 300
    assert (low.min(), high.max()) == (-1.0, 1.0)
    assert len(envelope(np.ones(3), 300)[0]) == 3


def test_waveforms_share_one_axis() -> None:
    picture = waveforms({"Target": np.ones(100), "Error": np.zeros(100)}, rate=50)
    assert "Target" in picture.svg
    ElementTree.fromstring(picture.svg)


@pytest.mark.parametrize("length", [1, 2, 3000])
def test_sounds_of_any_length_are_shown(signal_of: Any, length: int) -> None:
    signal = signal_of("audio")
    short = signal_of("audio", prediction=signal.prediction[:length], target=signal.target[:length])
    section = audio_section([short])
    assert len(section.sounds) == 2
    assert set(audio_files(short)) >= {"target.wav", "target.png", "reconstruction.wav"}


def test_stretch_lies_around_the_loudest_sample() -> None:
    samples = np.zeros(1000)
    samples[500] = -0.9
    assert loudest_stretch(samples, 100) == (450, 550)
    samples[995] = 1.0
    assert loudest_stretch(samples, 100) == (900, 1000)
    assert loudest_stretch(samples, 5000) == (0, 1000)


def test_wav_is_clipped_and_keeps_its_rate() -> None:
    with wave.open(io.BytesIO(wav_bytes(np.array([0.0, 2.0, -2.0, np.nan]), 8000))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (1, 8000, 4)
        samples = np.frombuffer(file.readframes(4), "<i2").tolist()
    assert samples == [0, 32767, -32767, 0]


def test_share_of_known_pixels_is_said(signal_of: Any, config_of: Any) -> None:
    mask = np.zeros((12, 16, 1), np.float32)
    mask[:3] = 1.0
    signal = signal_of("inpainting", mask=mask)
    [section] = content_of("inpainting", [signal], config_of("inpainting")).sections
    assert section.rows[0].pictures[0].caption == "known, 25.0% of the pixels"
    assert len(section.rows[0].pictures) == 4


def test_pictures_of_a_blend_are_recovered_from_target_and_second(
    signal_of: Any, config_of: Any
) -> None:
    first, second = np.full((4, 4, 3), -0.5, np.float32), np.full((4, 4, 3), 0.5, np.float32)
    signal = signal_of(
        "poisson_editing", target=(first + second) / 2, second=second, prediction=first
    )
    [section] = content_of("poisson_editing", [signal], config_of()).sections
    captions = {one.caption: read_png(one.data) for row in section.rows for one in row.pictures}
    assert np.all(captions["first"] == 64)
    assert np.all(captions["second"] == 191)


def test_frames_of_a_film_stand_in_a_strip(signal_of: Any, config_of: Any) -> None:
    frames = [signal_of("video", frame=7 * number) for number in range(6)]
    content = content_of("video", frames, config_of("video"))
    [section] = content.sections
    assert [row.label for row in section.rows] == ["target", "reconstruction", "error"]
    assert all(len(row.pictures) == 6 for row in section.rows)
    assert section.rows[1].pictures[5].caption.startswith("frame 35, ")
    assert len({one.scale for one in section.rows[2].pictures}) == 1
    assert read_png(content.files["target.png"]).shape == (12, 96, 3)


def test_authors_curve_is_drawn_at_their_size_alone(signal_of: Any, config_of: Any) -> None:
    signals = [signal_of("image")]
    theirs = config_of("image", height=256, width=256, channels=1)
    assert len(content_of("image", signals, theirs).references) > 10
    assert content_of("image", signals, config_of("image")).references == ()


def test_protocol_of_an_empty_configuration_is_empty() -> None:
    assert protocol("image", {}) == ""
    assert protocol("audio", {"data": {"height": 2}, "training": {"steps": 9001}}) == "9,001 steps"
