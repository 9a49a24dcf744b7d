"""The schedule at its knots."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mae_core.training.schedule import warmup_cosine


@pytest.mark.parametrize(
    ("epoch", "share"),
    [(0, 0), (20, 0.5), (39.99, 0.99975), (40, 1), (230, (1 + math.sqrt(0.5)) / 2), (420, 0.5), (800, 0)],
)
def test_table_8_at_its_knots(epoch, share):
    assert warmup_cosine(epoch, epochs=800, warmup_epochs=40) == pytest.approx(share)


def test_the_end_is_the_share_asked_for():
    assert warmup_cosine(50, epochs=50, warmup_epochs=5, min_lr_share=0.01) == 0.01
    assert warmup_cosine(27.5, epochs=50, warmup_epochs=5, min_lr_share=0.01) == pytest.approx(0.505)


def test_without_warm_up_it_starts_at_its_peak():
    assert warmup_cosine(0, epochs=10, warmup_epochs=0) == 1


def test_warm_up_alone_is_a_schedule_too():
    assert warmup_cosine(5, epochs=10, warmup_epochs=10) == 0.5
    assert warmup_cosine(10, epochs=10, warmup_epochs=10) == 0


@given(
    epochs=st.integers(1, 1600),
    warmup_share=st.floats(0, 1),
    min_lr_share=st.floats(0, 1),
    at=st.floats(0, 1),
)
def test_it_rises_to_the_peak_then_falls_to_the_end(epochs, warmup_share, min_lr_share, at):
    warmup = warmup_share * epochs
    here, later = (warmup_cosine(x * epochs, epochs, warmup, min_lr_share) for x in (at, at + 1e-3))
    assert 0 <= here <= 1
    if at + 1e-3 < warmup_share:
        assert here <= later
    elif at > warmup_share:
        assert later <= here + 1e-12
        assert here >= min_lr_share - 1e-12
