import numpy as np
import pytest
from sklearn.decomposition import PCA

from lmlab.evaluation.projection import neighbours, project

SHAPES = [(27, 10), (5, 3), (3, 10), (200, 64), (2, 4), (10, 16)]


def cloud(shape, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=shape) @ generator.normal(size=(shape[1], shape[1])) + generator.normal(
        size=shape[1]
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_pca_equals_the_one_of_scikit_learn(shape):
    vectors = cloud(shape)
    reference = PCA(n_components=2, svd_solver="full")
    expected = reference.fit_transform(vectors)
    points, kept = project(vectors)
    signs = np.sign((points * expected).sum(axis=0))  # a component may point either way
    signs[signs == 0] = 1
    assert points * signs == pytest.approx(expected, abs=1e-9)
    assert kept == pytest.approx(reference.explained_variance_ratio_.sum())


def test_float32_weights_are_projected_as_well():
    vectors = cloud((27, 10)).astype(np.float32)
    assert project(vectors)[0] == pytest.approx(project(vectors.astype(np.float64))[0])


def test_two_dimensions_are_drawn_as_they_are():
    vectors = cloud((6, 2))
    points, kept = project(vectors)
    assert (points == vectors).all()
    assert kept == 1.0


def test_one_dimension_lies_on_a_line():
    points, kept = project(np.array([[1.0], [3.0]]))
    assert points.tolist() == [[1.0, 0.0], [3.0, 0.0]]
    assert kept == 1.0


def test_a_flat_cloud_keeps_everything():
    vectors = np.zeros((9, 8))
    vectors[:, [1, 5]] = cloud((9, 2))
    points, kept = project(vectors)
    assert kept == pytest.approx(1.0)
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    assert np.linalg.norm(points[:, None] - points[None], axis=-1) == pytest.approx(distances)


@pytest.mark.parametrize("vectors", [np.ones((5, 4)), np.ones((1, 4)), np.full((3, 4), np.nan)])
def test_a_cloud_without_width_is_a_point(vectors):
    points, kept = project(vectors)
    assert points.tolist() == [[0.0, 0.0]] * len(vectors)
    assert kept == 0.0


def test_a_moving_picture_does_not_turn_or_flip():
    """The same cloud a moment later, turned and mirrored by chance, is drawn where it was."""
    vectors = cloud((12, 6))
    before, _ = project(vectors)
    turned, _ = np.linalg.qr(cloud((6, 6), seed=3))
    mirrored = before * [-1, 1]
    points, kept = project(vectors @ turned, like=before)
    assert points == pytest.approx(before)
    assert kept == pytest.approx(project(vectors)[1])
    assert project(vectors, like=mirrored)[0] == pytest.approx(mirrored)


def test_keeping_steady_changes_no_distance():
    vectors, like = cloud((12, 6)), cloud((12, 2), seed=5)
    steady, free = project(vectors, like)[0], project(vectors)[0]
    apart = [np.linalg.norm(points[:, None] - points[None], axis=-1) for points in (steady, free)]
    assert apart[0] == pytest.approx(apart[1])


def test_neighbours_are_found_in_the_original_space():
    vectors = cloud((30, 12))
    distances = np.sqrt(((vectors - vectors[7]) ** 2).sum(axis=1))
    expected = [i for i in np.argsort(distances) if i != 7][:5]
    found = neighbours(vectors, 7)
    assert [i for i, _ in found] == expected
    assert [distance for _, distance in found] == pytest.approx(distances[expected])


def test_there_are_no_more_neighbours_than_others():
    assert neighbours(np.zeros((3, 4)), 0, n=9) == [(1, 0.0), (2, 0.0)]
