"""The response cache stays within its size, and ETags distinguish all their parts."""

import pytest
from flask import Response

from shared.http.responses import CachedBody, ResponseCache, cached_response, etag_of
from shared.http.routes import PUBLIC, Route


def body(size):
    return CachedBody(b"x" * size, "text/plain")


def test_the_least_recently_used_response_is_evicted_first():
    cache = ResponseCache(100)
    for etag in ("a", "b", "c"):
        cache.put(etag, body(30))

    assert cache.get("a")
    cache.put("d", body(30))

    assert [bool(cache.get(etag)) for etag in "abcd"] == [True, False, True, True]


def test_all_responses_together_are_never_larger_than_the_cache():
    cache = ResponseCache(100)

    for etag, size in (("a", 50), ("b", 51), ("c", 49), ("d", 1)):
        cache.put(etag, body(size))

    assert [bool(cache.get(etag)) for etag in "abcd"] == [False, False, True, True]


def test_a_response_larger_than_the_cache_is_not_stored_and_evicts_nothing():
    cache = ResponseCache(100)
    cache.put("a", body(100))

    cache.put("b", body(101))

    assert cache.get("a")
    assert cache.get("b") is None


def test_a_response_stored_again_counts_as_large_as_it_is_now():
    cache = ResponseCache(100)
    cache.put("a", body(10))
    cache.put("a", body(60))

    cache.put("b", body(41))

    assert cache.get("a") is None
    assert cache.get("b")


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


@pytest.fixture
def cached(client_of):
    """A client of a route whose responses are cached, and the responses made for it."""
    cache, made = ResponseCache(1000), []

    def make():
        made.append(Response(f"made {len(made) + 1}", content_type="text/csv"))
        return made[-1]

    def answer(context):
        return cached_response(context.request, context.request.args["etag"], cache, make)

    return client_of(Route("GET", "/", answer, scope=PUBLIC)), made


def test_a_response_is_made_once_for_an_etag(cached):
    client, made = cached

    answers = [client.get("/?etag=v1") for _ in range(2)]

    for response in answers:
        assert (response.status_code, response.text) == (200, "made 1")
        assert response.content_type == "text/csv"
        assert response.headers["ETag"] == '"v1"'
        # Whoever stores it must ask whether it is still valid, and may not serve it to others.
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["Vary"] == "Accept"
    assert len(made) == 1
    assert client.get("/?etag=v2").text == "made 2"


@pytest.mark.parametrize("has", ['"v1"', 'W/"v1"', '"v0", "v1"'])
def test_a_caller_that_has_the_response_gets_304_and_nothing_is_made(cached, has):
    client, made = cached

    response = client.get("/?etag=v1", headers={"If-None-Match": has})

    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == '"v1"'
    assert made == []


@pytest.mark.parametrize("has", ['"v0"', 'W/"v11"', ""])
def test_a_caller_that_has_another_response_gets_this_one(cached, has):
    client, _ = cached

    assert client.get("/?etag=v1", headers={"If-None-Match": has}).text == "made 1"
