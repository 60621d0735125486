import numpy as np

from raymeta.service.scoring.score_cache import ScoreCache


def maps(count: int) -> dict[str, np.ndarray]:
    return {"a": np.zeros(count, np.uint8)}


def test_least_recently_used_goes_when_the_bytes_do_not_fit():
    cache = ScoreCache(100)
    for key in ("a", "b"):
        cache.put(key, maps(40))
    assert cache.get("a") is not None
    cache.put("c", maps(40))
    assert [cache.get(key) is not None for key in ("a", "b", "c")] == [True, False, True]


def test_replaced_maps_are_counted_once():
    cache = ScoreCache(100)
    for _ in range(5):
        cache.put("a", maps(60))
    cache.put("b", maps(40))
    assert cache.get("a") is not None
    assert cache.get("b") is not None


def test_maps_larger_than_the_cache_are_not_kept():
    cache = ScoreCache(100)
    cache.put("small", maps(10))
    cache.put("large", maps(101))
    assert cache.get("large") is None
    assert cache.get("small") is not None
    ScoreCache(0).put("a", maps(1))
