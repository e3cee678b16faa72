"""From embeddings to points of a plane, the same ones each time."""

import numpy as np

from sirbench.machine.errors import InputError


def project(vectors: np.ndarray, how: str, seed: int) -> tuple[np.ndarray, str]:
    """Points (n, 2) of `vectors` (n, width), and a few words on what they keep.

    `pca` keeps distances as well as a plane can, and is the same for every seed. `tsne` and `umap` keep who
    is near whom, but neither distances nor sizes of regions, and depend on the seed. Fewer than four
    vectors are always projected by PCA. Raises `InputError` where umap-learn is not installed.
    """
    if how == "pca" or len(vectors) < 4:
        return _pca(np.asarray(vectors, dtype=np.float64))
    if how == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(vectors) - 1) / 3)
        return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors), "t-SNE"
    try:
        from umap import UMAP
    except ImportError:
        raise InputError(
            "space.projection: `umap` needs the package umap-learn, which sirbench does not install; "
            "run `pip install umap-learn`, or choose pca or tsne"
        ) from None
    neighbours = min(15, len(vectors) - 1)
    return UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(vectors), "UMAP"


def _pca(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    from sklearn.decomposition import PCA

    components = min(2, *vectors.shape)
    if np.ptp(vectors, axis=0).max(initial=0) == 0:
        return np.zeros((len(vectors), 2)), "all in one point"
    pca = PCA(components, svd_solver="full").fit(vectors)
    points = np.pad(pca.transform(vectors), ((0, 0), (0, 2 - components)))
    return points, f"{pca.explained_variance_ratio_.sum():.0%} of variance"
