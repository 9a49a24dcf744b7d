"""Array files: every way to write thirteen channels is read alike, and photographs are told from them."""

import numpy as np
import pytest
import tifffile

from mae_core.data.folders.arrays import is_array, read, shape_of
from mae_core.data.folders.decoding import UnreadableImage, decode
from mae_core.data.folders.levels import Levels
from mae_core.errors import DataError
from tests.mae_core.data.pictures import paint

BANDS = np.random.default_rng(0).integers(0, 10_000, (24, 40, 13)).astype(np.uint16)  # (H, W, C)
PAGES = BANDS.transpose(2, 0, 1)
PLANES = {"photometric": "minisblack"}
WRITERS = {
    "npy": lambda path: np.save(path.with_suffix(".npy"), BANDS),
    "pixel by pixel": lambda path: tifffile.imwrite(path, BANDS, planarconfig="contig", **PLANES),
    "LZW": lambda path: tifffile.imwrite(path, BANDS, planarconfig="contig", compression="lzw", **PLANES),
    "tiles": lambda path: tifffile.imwrite(path, BANDS, planarconfig="contig", tile=(16, 16), **PLANES),
    "plane by plane": lambda path: tifffile.imwrite(path, PAGES, planarconfig="separate", **PLANES),
    "a page for each": lambda path: tifffile.imwrite(path, PAGES, **PLANES),
    "a page for each row": lambda path: tifffile.imwrite(path, BANDS, **PLANES),
}


@pytest.mark.parametrize("way", WRITERS)
def test_thirteen_channels_are_read_alike_however_they_were_written(tmp_path, way):
    WRITERS[way](tmp_path / "a.tif")
    (path,) = tmp_path.iterdir()
    assert is_array(path)
    assert shape_of(path) == (24, 40, 13)
    assert np.array_equal(read(path), BANDS)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_the_tiff_of_a_camera_or_a_drawing_program_is_a_photograph(tmp_path, mode):
    assert not is_array(paint(tmp_path / "a.tiff", mode=mode))


@pytest.mark.parametrize(
    ("values", "channels"),
    [
        (BANDS[..., 0], 1),  # sixteen bits
        (BANDS[..., 0].astype(np.float32), 1),
        (BANDS[..., :3], 3),
        ((BANDS[..., :4] % 256).astype(np.uint8), 4),  # the fourth is no alpha
        ((BANDS[..., :5] % 256).astype(np.uint8), 5),
    ],
)
def test_other_tiffs_are_arrays(tmp_path, values, channels):
    pixelwise = {"planarconfig": "contig"} if values.ndim == 3 else {}
    tifffile.imwrite(tmp_path / "a.tif", values, **PLANES, **pixelwise)
    assert is_array(tmp_path / "a.tif")
    assert shape_of(tmp_path / "a.tif") == (24, 40, channels)


def test_pixels_without_data_are_nan(tmp_path):
    values = BANDS[..., :2].astype(np.float32)
    values[3, 5] = -9999
    tags = [(42113, "s", 0, "-9999", True)]  # GDAL_NODATA
    tifffile.imwrite(tmp_path / "a.tif", values, planarconfig="contig", extratags=tags, **PLANES)
    found = read(tmp_path / "a.tif")
    assert np.isnan(found[3, 5]).all()
    assert np.isnan(found).sum() == 2


@pytest.mark.parametrize("shape", [(13, 24, 40), (24,), (2, 24, 40, 13)])
def test_a_npy_file_of_another_shape_is_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape))
    for ask in (shape_of, read):
        with pytest.raises(DataError, match=r"a.npy has the shape .*; save it as \(height, width, channels\)"):
            ask(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "values", [np.zeros((4, 4), complex), np.full((4, 4), "x"), np.full((4, 4), None), np.zeros((0, 4))]
)
def test_what_holds_no_numbers_is_unreadable(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(UnreadableImage):
        decode(tmp_path / "a.npy", (4, 4), 1, lambda _: (0, 0, 1, 1), Levels((0,), (1,), (0,), (1,)))
