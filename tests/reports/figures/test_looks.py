"""Curves of losses and probes: any two can be told apart, without colours too, and the default row from all."""

import itertools

from reports.figures.style import curve_looks


def test_no_two_of_twenty_curves_look_alike_in_grey() -> None:
    looks = curve_looks([str(n) for n in range(20)], "7")
    assert len({(look.marker, look.dashes) for look in looks.values()}) == 20
    for one, other in itertools.pairwise(looks.values()):
        assert one.marker != other.marker
        assert one.dashes != other.dashes
        assert one.colour != other.colour


def test_default_row_is_bold_and_black_and_alone_so() -> None:
    looks = curve_looks(["pixel", "pca", "token"], "pixel")
    assert (looks["pixel"].colour, looks["pixel"].dashes) == ("black", "-")
    assert all(look.width < looks["pixel"].width for key, look in looks.items() if key != "pixel")
    assert "black" not in {look.colour for key, look in looks.items() if key != "pixel"}
