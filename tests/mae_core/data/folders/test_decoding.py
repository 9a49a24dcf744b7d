"""Decoding: every mode that can be converted is, and what cannot be decoded is named."""

import numpy as np
import pytest
from PIL import Image

from mae_core.data.folders.decoding import UnreadableImage, cover_box, decode, scan
from mae_core.data.folders.listing import list_folder
from tests.mae_core.data.pictures import DAMAGES, damage, paint, paint_split, picture

WHOLE = (0.0, 0.0, 1.0, 1.0)


def whole(_):
    return WHOLE


@pytest.mark.parametrize("in_chans", [1, 3])
@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("RGB", "png"),
        ("RGB", "jpg"),
        ("L", "jpg"),
        ("CMYK", "jpg"),
        ("P", "gif"),
        ("1", "png"),
        ("LA", "png"),
        ("RGBA", "webp"),
        ("I;16", "png"),
        ("RGB", "ppm"),
        ("L", "pgm"),
        ("RGB", "bmp"),
        ("RGB", "tiff"),
    ],
)
def test_every_mode_is_converted(tmp_path, mode, suffix, in_chans):
    path = paint(tmp_path / f"a.{suffix}", mode=mode, size=(32, 32))
    pixels = decode(path, (32, 32), in_chans, whole)
    plain = np.asarray(picture((32, 32)).convert("L" if in_chans == 1 else "RGB"), float).reshape(32, 32, in_chans)
    if mode not in ("1", "P"):  # these lose levels or colours when they are written
        expected = plain if mode not in ("L", "LA", "I;16") else plain @ grey_of(in_chans)
        assert np.abs(pixels.transpose(1, 2, 0) - expected).mean() < 5
    assert (pixels.shape, pixels.dtype) == ((in_chans, 32, 32), np.uint8)


def grey_of(in_chans):
    """The matrix that takes a colour to its grey."""
    return np.eye(1) if in_chans == 1 else np.array([[0.299], [0.587], [0.114]]).repeat(3, axis=1)


def test_sixteen_bits_keep_their_range(tmp_path):
    ramp = np.linspace(0, 65535, 16).astype(np.uint16)[None].repeat(16, axis=0)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    assert np.array_equal(decode(tmp_path / "a.png", (16, 16), 1, whole)[0, 0], ramp[0] >> 8)


def test_a_transparent_palette_is_converted_without_a_warning(tmp_path):
    image = picture(mode="RGB").quantize(8)
    image.save(tmp_path / "a.png", transparency=bytes(range(8)))
    assert decode(tmp_path / "a.png", (8, 8), 3, whole).shape == (3, 8, 8)


@pytest.mark.parametrize("box", [WHOLE, (0.25, 0.5, 0.3, 0.4)])
def test_one_pixel_fills_any_size(tmp_path, box):
    Image.new("RGB", (1, 1), (10, 20, 30)).save(tmp_path / "a.png")
    pixels = decode(tmp_path / "a.png", (6, 4), 3, lambda _: box)
    assert (pixels == np.array([10, 20, 30]).reshape(3, 1, 1)).all()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_image_is_unreadable(tmp_path, how, suffix):
    path = paint(tmp_path / f"a.{suffix}", size=(64, 64))
    damage(path, how)
    with pytest.raises(UnreadableImage, match=path.name):
        decode(path, (8, 8), 3, whole)


def test_the_reduced_decoding_of_a_jpeg_differs_by_the_filter_alone(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)  # more detail than 1/8 of the size holds
    image = Image.fromarray(noise).resize((640, 512), Image.Resampling.BICUBIC)
    image.save(tmp_path / "a.jpg", quality=95, subsampling=0)
    image.save(tmp_path / "a.png")
    box = (0.1, 0.2, 0.25, 0.25)
    reduced, full = (decode(tmp_path / f"a.{suffix}", (48, 48), 3, lambda _: box) for suffix in ("jpg", "png"))
    assert np.abs(reduced.astype(int) - full).mean() < 3


@pytest.mark.parametrize("size", [(24, 40), (80, 60)])
def test_a_box_is_cropped_and_resized_as_pillow_does_it(tmp_path, size):
    paint(tmp_path / "a.png", size=(64, 48))
    found = decode(tmp_path / "a.png", size, 3, lambda _: (0.25, 0.5, 0.5, 0.375))
    part = Image.open(tmp_path / "a.png").crop((24, 16, 42, 48)).resize(size[::-1], Image.Resampling.BICUBIC)
    assert np.abs(found.transpose(1, 2, 0).astype(int) - np.asarray(part)).max() <= 2


def test_the_box_is_given_height_and_width_of_the_file(tmp_path):
    seen = []
    paint(tmp_path / "a.jpg", size=(300, 500))
    decode(tmp_path / "a.jpg", (8, 8), 3, lambda size: seen.append(size) or WHOLE)
    assert seen == [(300, 500)]


@pytest.mark.parametrize("image_size", [(256, 256), (256, 400), (400, 256), (7, 1000)])
@pytest.mark.parametrize("size", [(32, 32), (32, 48), (48, 32)])
def test_the_cover_box_is_central_has_the_right_shape_and_touches_two_edges(image_size, size):
    top, left, height, width = cover_box(image_size, size)
    assert height * image_size[0] / (width * image_size[1]) == pytest.approx(size[0] / size[1])
    assert max(height, width) == pytest.approx(1)
    assert (top + height / 2, left + width / 2) == pytest.approx((0.5, 0.5))


def test_scan_finds_the_damaged_in_both_splits_in_order(tmp_path):
    paint_split(tmp_path)
    bad = [tmp_path / "train/cat/002.png", tmp_path / "train/dog/000.png", tmp_path / "val/cat/001.png"]
    for path, how in zip(bad, DAMAGES, strict=False):
        damage(path, how)
    assert list(scan(list_folder(tmp_path))) == bad
