"""The region that a set of points takes up in the plane: a convex hull, or where most of its density is."""

from typing import cast

import numpy as np

MASS = 0.9
"""Share of the density that a density region holds."""
CELLS = 120
"""Grid cells along each axis that the density is computed on."""


def region(points: np.ndarray, how: str) -> list[np.ndarray]:
    """Outlines (vertices, 2) of the region of `points` (n, 2), each closed: its first vertex is its last.

    A `density` region may be several; points in too few places to have one get their hull. Two places have a
    line for a hull, and fewer none at all.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if how == "density":
        outlines = _density(points)
        if outlines:
            return outlines
    return _hull(points)


def _hull(points: np.ndarray) -> list[np.ndarray]:
    from scipy.spatial import ConvexHull, QhullError

    places = np.unique(points, axis=0)
    if len(places) < 2:
        return []
    try:
        corners = places[ConvexHull(places).vertices]
    except QhullError:  # all on a line, whose ends are the first and the last in order
        corners = places[[0, -1]]
    return [np.concatenate([corners, corners[:1]])]


def _density(points: np.ndarray) -> list[np.ndarray]:
    """The smallest area that holds `MASS` of a Gaussian kernel density (Scott's bandwidth)."""
    from contourpy import contour_generator
    from scipy.stats import gaussian_kde

    if len(points) < 4 or np.linalg.matrix_rank(points - points.mean(axis=0), tol=1e-9) < 2:
        return []
    kernel = gaussian_kde(points.T)
    margin = 3 * np.sqrt(np.diag(kernel.covariance))
    x, y = np.linspace(points.min(axis=0) - margin, points.max(axis=0) + margin, CELLS).T
    density = kernel(np.stack(np.meshgrid(x, y)).reshape(2, -1)).reshape(CELLS, CELLS)
    falling = np.sort(density, axis=None)[::-1]
    cumulated = np.cumsum(falling) / falling.sum()
    level = falling[np.searchsorted(cumulated, MASS)]
    return cast("list[np.ndarray]", contour_generator(x, y, density).lines(level))
