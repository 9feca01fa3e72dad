"""The response cache stays within its size, and ETags distinguish all their parts."""

from shared.http.responses import CachedBody, ResponseCache, etag_of


def body(size):
    return CachedBody(b"x" * size, "text/plain")


def test_the_least_recently_used_response_is_evicted_first():
    cache = ResponseCache(100)
    for etag in ("a", "b", "c"):
        cache.put(etag, body(30))

    assert cache.get("a")
    cache.put("d", body(30))

    assert [bool(cache.get(etag)) for etag in "abcd"] == [True, False, True, True]


def test_a_response_larger_than_the_cache_is_not_stored_and_evicts_nothing():
    cache = ResponseCache(100)
    cache.put("a", body(100))

    cache.put("b", body(101))

    assert cache.get("a")
    assert cache.get("b") is None


def test_storing_a_response_again_does_not_count_it_twice():
    cache = ResponseCache(100)
    for _ in range(5):
        cache.put("a", body(60))
    cache.put("b", body(40))

    assert cache.get("a")
    assert cache.get("b")


def test_etags_differ_for_parts_that_join_to_the_same_text():
    assert etag_of("ab", "c") != etag_of("a", "bc")
    assert etag_of("a", "") != etag_of("a")
    assert etag_of("a", "b") == etag_of("a", "b")
