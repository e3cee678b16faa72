"""Projections to the plane: deterministic, defined for few points, and plain about what is not installed."""

import sys

import numpy as np
import pytest

from sirbench.machine.errors import InputError
from sirbench.reporting.figures.drawing.projection import project


def distances(points):
    return np.linalg.norm(points[:, None] - points[None], axis=2)


@pytest.fixture
def plane():
    """20 points of a plane, in 7 dimensions."""
    draw = np.random.default_rng(1)
    return draw.normal(size=(20, 2)) @ np.linalg.qr(draw.normal(size=(7, 2)))[0].T + 5


def test_pca_keeps_every_distance_of_points_in_a_plane(plane):
    points, quality = project(plane, "pca", seed=1)
    np.testing.assert_allclose(distances(points), distances(plane), atol=1e-12)
    assert quality == "100% of variance"


def test_pca_says_how_much_it_keeps():
    """Variances 9, 4 and 1 along the axes, 8 corners: two axes keep 13 of 14."""
    corners = np.array([(3 * a, 2 * b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    points, quality = project(corners, "pca", seed=1)
    assert quality == "93% of variance"
    assert sorted({tuple(np.abs(point).round(9)) for point in points}) == [(3, 2)]


@pytest.mark.parametrize("how", ["pca", "tsne"])
def test_the_same_seed_gives_the_same_points(how, plane):
    some, others = (project(plane, how, seed=1)[0] for _ in range(2))
    assert some.shape == (20, 2) and np.array_equal(some, others)


@pytest.mark.parametrize("how", ["tsne", "umap"])
def test_clusters_stay_apart(how):
    if how == "umap":
        pytest.importorskip("umap", reason="umap-learn is not installed: `pip install umap-learn`")
    draw = np.random.default_rng(1)
    clusters = draw.normal(size=(2, 15, 5)) + np.array([0, 50])[:, None, None]
    points, again = (project(clusters.reshape(30, 5), how, seed=1)[0] for _ in range(2))
    assert np.array_equal(points, again)
    apart = distances(points)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(axis=1)
    assert ((nearest < 15) == (np.arange(30) < 15)).all()


@pytest.mark.parametrize("how", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_three_points_and_fewer_keep_their_distances(how, count):
    corners = np.array([[0.0, 0, 0], [3, 4, 0], [0, 0, 2]])[:count]
    points, _ = project(corners, how, seed=1)
    assert points.shape == (count, 2)
    np.testing.assert_allclose(distances(points), distances(corners), atol=1e-12)


def test_points_all_in_one_place():
    points, quality = project(np.ones((5, 3)), "pca", seed=1)
    assert (points == 0).all() and quality == "all in one point"


def test_umap_is_asked_for_only_when_wanted_and_says_how_to_install_it(plane, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    project(plane, "pca", seed=1)
    with pytest.raises(InputError, match=r"space\.projection: .*pip install umap-learn"):
        project(plane, "umap", seed=1)
