"""Images that cover a pool: by k-means or greedy k-centre on their features (docs/method.md#covering-start)."""

import numpy as np
from numpy.typing import NDArray


def k_means_images(features: NDArray[np.floating], count: int, seed: int) -> list[int]:
    """For each of `count` clusters the image nearest to its mean; large clusters first.

    Args:
        features: (N, k) of images, N at least `count`.
        count: images wanted, at least 1.
        seed: of the cluster means that k-means begins with.

    Returns:
        `count` different rows. Where a cluster's nearest image is taken, or clusters are empty because images are
        alike, the first rows that are left fill up.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    points = np.asarray(features, np.float64)
    distinct = len(np.unique(points, axis=0))
    with threadpool_limits(limits=1):  # the order of its sums depends on their number
        found = KMeans(min(count, distinct), n_init=10, random_state=seed).fit(points)
    sizes = np.bincount(found.labels_, minlength=len(found.cluster_centers_))
    taken: dict[int, None] = {}
    for cluster in np.argsort(-sizes, kind="stable"):
        members = np.flatnonzero(found.labels_ == cluster)
        distance = ((points[members] - found.cluster_centers_[cluster]) ** 2).sum(axis=1)
        taken[int(members[np.argmin(distance)])] = None
    rest = (row for row in range(len(points)) if row not in taken)
    return [*taken, *(next(rest) for _ in range(count - len(taken)))]


def k_centre_images(features: NDArray[np.floating], count: int, first: int) -> list[int]:
    """An image, then always the one whose nearest taken image is farthest away; ties go to the first row.

    Args:
        features: (N, k) of images, N at least `count`.
        count: images wanted, at least 1.
        first: row of the image to begin with.

    Returns:
        `count` different rows, in the order in which they were taken.
    """
    points = np.asarray(features, np.float64)
    taken, distance = [first], np.full(len(points), np.inf)
    while len(taken) < count:
        np.minimum(distance, ((points - points[taken[-1]]) ** 2).sum(axis=1), out=distance)
        distance[taken] = -np.inf
        taken.append(int(np.argmax(distance)))
    return taken
