"""Answers that are kept stay within their bytes, and ETags tell all parts apart."""

from shared.http.conditional import Body, Kept, etag_of


def body(size):
    return Body(b"x" * size, "text/plain")


def test_the_one_longest_not_asked_for_goes_first():
    kept = Kept(100)
    for etag in ("a", "b", "c"):
        kept.put(etag, body(30))

    assert kept.get("a")
    kept.put("d", body(30))

    assert [bool(kept.get(etag)) for etag in "abcd"] == [True, False, True, True]


def test_one_larger_than_the_whole_is_not_kept_and_drives_nobody_out():
    kept = Kept(100)
    kept.put("a", body(100))

    kept.put("b", body(101))

    assert kept.get("a")
    assert kept.get("b") is None


def test_what_is_kept_twice_counts_once():
    kept = Kept(100)
    for _ in range(5):
        kept.put("a", body(60))
    kept.put("b", body(40))

    assert kept.get("a")
    assert kept.get("b")


def test_etags_tell_apart_what_reads_the_same_when_joined():
    assert etag_of("ab", "c") != etag_of("a", "bc")
    assert etag_of("a", "") != etag_of("a")
    assert etag_of("a", "b") == etag_of("a", "b")
