"""Cached responses stay within their bytes, and ETags tell all parts apart."""

from shared.http.responses import CachedBody, ResponseCache, etag_of


def body(size):
    return CachedBody(b"x" * size, "text/plain")


def test_the_one_longest_not_asked_for_goes_first():
    cache = ResponseCache(100)
    for etag in ("a", "b", "c"):
        cache.put(etag, body(30))

    assert cache.get("a")
    cache.put("d", body(30))

    assert [bool(cache.get(etag)) for etag in "abcd"] == [True, False, True, True]


def test_one_larger_than_the_whole_is_not_kept_and_drives_nobody_out():
    cache = ResponseCache(100)
    cache.put("a", body(100))

    cache.put("b", body(101))

    assert cache.get("a")
    assert cache.get("b") is None


def test_what_is_kept_twice_counts_once():
    cache = ResponseCache(100)
    for _ in range(5):
        cache.put("a", body(60))
    cache.put("b", body(40))

    assert cache.get("a")
    assert cache.get("b")


def test_etags_tell_apart_what_reads_the_same_when_joined():
    assert etag_of("ab", "c") != etag_of("a", "bc")
    assert etag_of("a", "") != etag_of("a")
    assert etag_of("a", "b") == etag_of("a", "b")
