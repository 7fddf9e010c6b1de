"""Embeddings in two dimensions, and who is near whom before anything is lost."""

import numpy as np


def project(vectors: np.ndarray, like: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """(N, d) vectors -> (N, 2) points and the share of the variance that they keep, by PCA.

    Principal component analysis turns the cloud so that its widest direction lies along the first axis: the
    singular vectors of the centred cloud, widest first. (Written out: a student should read it, and a
    worker that imports scikit-learn for it takes 145 MB more; a test holds both equal.)

    Two dimensions are returned as they are (kept: 1.0). PCA may turn or mirror its axes from one moment to
    the next; `like`, the points of the moment before, keeps a moving picture steady by the rotation that
    fits best (orthogonal Procrustes: distances do not change).

    >>> points, kept = project(np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [2.0, 0.0, 0.0]]))
    >>> points.shape, round(kept, 3)
    ((3, 2), 1.0)
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    if vectors.shape[1] == 2:
        return vectors, 1.0
    if vectors.shape[1] == 1:
        return np.column_stack([vectors[:, 0], np.zeros(len(vectors))]), 1.0
    spread = np.ptp(vectors, axis=0).max()
    if len(vectors) < 2 or spread == 0 or not np.isfinite(spread):
        return np.zeros((len(vectors), 2)), 0.0
    left, widths, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    points = left[:, :2] * widths[:2]
    kept = float((widths[:2] ** 2).sum() / (widths**2).sum())
    if like is not None:
        turn, _, back = np.linalg.svd(points.T @ like)
        points = points @ (turn @ back)
    return points, kept


def neighbours(vectors: np.ndarray, row: int, n: int = 5) -> list[tuple[int, float]]:
    """The n rows nearest to `row` in the original space, with their Euclidean distances.

    >>> neighbours(np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]]), row=0, n=2)
    [(2, 1.0), (1, 5.0)]
    """
    distance = np.linalg.norm(np.asarray(vectors, dtype=np.float64) - vectors[row], axis=1)
    order = [int(i) for i in np.argsort(distance, kind="stable") if i != row]
    return [(i, float(distance[i])) for i in order[:n]]
