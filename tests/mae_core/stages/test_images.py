"""Which images are scored where not all are: the first, or some of every class where classes follow each other."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mae_core.data.images import Images
from mae_core.data.in_memory import InMemory
from mae_core.stages.images import some
from tests.mae_core.data.pictures import opened, paint_split


def labelled(labels):
    """Images of one pixel with these labels."""
    pixels = torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8)
    source = InMemory(pixels, in_chans=1, size=(1, 1))
    return Images(source, (1, 1), torch.tensor(labels), max(labels) + 1, (0.0,), (1.0,), has_margin=False)


@given(per_class=st.integers(2, 9), classes=st.integers(2, 6), extra=st.integers(0, 5))
def test_of_images_sorted_by_class_every_class_is_scored_alike(per_class, classes, extra):
    images = labelled([label for label in range(classes) for _ in range(per_class)])
    count = min(2 * classes + extra, per_class * classes)
    found = some(images, torch.arange(per_class * classes), count)
    assert len(set(found.tolist())) == count
    shares = images.labels[found].bincount(minlength=classes)
    assert shares.max() - shares.min() <= 2


def test_of_images_in_any_order_the_first_are_scored():
    samples = torch.arange(6) + 1
    assert some(labelled([0, 1, 0, 1, 1, 0, 0]), samples, 3).tolist() == [1, 2, 3]
    assert some(labelled([0, 1, 0, 1, 1, 0, 0]), samples, None) is samples


def test_a_folders_images_are_sorted_by_class(tmp_path):
    images = opened(paint_split(tmp_path / "pets"), tmp_path / "home", "test")
    assert images.labels[some(images, torch.arange(4), 2)].tolist() == [0, 1]
