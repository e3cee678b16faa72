"""Regions of points in the plane."""

import numpy as np
import pytest
from matplotlib.path import Path

from sirbench.reporting.figures.drawing.regions import region

SQUARE = np.array([[0, 0], [2, 0], [2, 2], [0, 2]])


def area(outline):
    """Gauss's shoelace formula."""
    x, y = outline[:-1].T
    return abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2


def test_a_hull_goes_around_all_points():
    inside = np.array([[1, 1], [0.5, 1.5], [1, 1]])
    (outline,) = region(np.concatenate([inside, SQUARE]), "hull")
    assert {tuple(corner) for corner in outline} == {tuple(corner) for corner in SQUARE}
    assert (outline[0] == outline[-1]).all() and area(outline) == 4


@pytest.mark.parametrize("how", ["hull", "density"])
def test_points_on_a_line_have_a_line(how):
    (outline,) = region(np.array([[0, 0], [3, 3], [1, 1], [2, 2], [1, 1]]), how)
    assert {tuple(corner) for corner in outline} == {(0, 0), (3, 3)}


@pytest.mark.parametrize("how", ["hull", "density"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_place_or_one_has_no_region(how, count):
    assert region(np.ones((count, 2)), how) == []


def test_a_density_region_holds_nine_tenths():
    """Of a Gaussian: the circle of radius sqrt(2 log 10), a little wider for the kernel's own width."""
    points = np.random.default_rng(1).normal(size=(2000, 2))
    outline = max(region(points, "density"), key=len)
    assert Path(outline).contains_points(points).mean() == pytest.approx(0.9, abs=0.03)
    assert area(outline) == pytest.approx(np.pi * 2 * np.log(10), rel=0.15)


def test_a_density_region_grows_and_moves_with_its_points():
    points = np.random.default_rng(1).normal(size=(40, 2))
    outlines, moved = (region(some, "density") for some in (points, 10 * points + 3))
    for some, others in zip(outlines, moved, strict=True):
        np.testing.assert_allclose(others, 10 * some + 3, atol=1e-3)
