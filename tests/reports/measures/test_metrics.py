"""Numbers as they are printed."""

import pytest

from reports.measures.metrics import Metric

HOURS, TOP1 = Metric("hours", "h", True), Metric("top1", "%", False)


@pytest.mark.parametrize(
    ("metric", "value", "printed", "in_figures"),
    [
        (HOURS, 0.12345, "0.123", "0.12"),
        (HOURS, 1.49, "1.490", "1.49"),
        (HOURS, 42.4, "42.40", "42.4"),
        (HOURS, 348973.16, "348,973", "348,973"),
        (HOURS, -35950.2, "-35,950", "-35,950"),
        (TOP1, 84.9, "84.90", "84.9"),
    ],
)
def test_hours_have_four_digits_or_those_before_the_point_and_per_cent_two_decimals(metric, value, printed, in_figures):
    assert (metric.plain(value), metric.short(value)) == (printed, in_figures)


def test_a_spread_has_the_decimals_of_its_mean():
    assert (HOURS.plain(0.1234, like=42.4), HOURS.plain(14484.2, like=359567.0)) == ("0.12", "14,484")


def test_what_is_not_finite_is_printed_too():
    assert [HOURS.plain(value) for value in (float("inf"), float("nan"))] == ["inf", "nan"]
