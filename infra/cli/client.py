"""Calls a platform's API, and turns its problems into one line for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import requests

from infra.cli.errors import Failure, Refused
from infra.cli.target import Target

_CONNECT_SECONDS, _READ_SECONDS = 10, 600
_CHUNK_BYTES = 1 << 16
# Answers longer than this are not what a platform sends as a problem.
_SHOWN = 200


class Client:
    """Calls one platform."""

    def __init__(self, target: Target) -> None:
        self._url = target.url
        self._session = requests.Session()
        self._session.headers.update({"X-Token": target.token, "User-Agent": "tablegate"})

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON answer of a GET; values of None are left out of the query."""
        with self._answer("GET", path, params=_given(query)) as answer:
            return answer.json()

    def post(self, path: str, body: Any) -> Any:
        """Return the JSON answer of a POST of JSON."""
        with self._answer("POST", path, json=body) as answer:
            return answer.json()

    def delete(self, path: str) -> None:
        """Send a DELETE."""
        with self._answer("DELETE", path):
            pass

    def upload(self, path: str, content: Any, size_bytes: int, **query: Any) -> Any:
        """Return the JSON answer of a POST of a file's bytes."""
        headers = {"Content-Type": "text/csv", "Content-Length": str(size_bytes)}
        with self._answer("POST", path, params=_given(query), data=content, headers=headers) as a:
            return a.json()

    def download(self, path: str, sink: BinaryIO, accept: str, **query: Any) -> None:
        """Write the body of a GET to a file, piece by piece.

        Raises:
            Failure: also if the answer is cut off.
        """
        headers = {"Accept": accept}
        with self._answer("GET", path, params=_given(query), headers=headers, stream=True) as found:
            for piece in found.iter_content(_CHUNK_BYTES):
                sink.write(piece)

    @contextmanager
    def _answer(self, method: str, path: str, **options: Any) -> Iterator[requests.Response]:
        try:
            with self._session.request(
                method,
                self._url + path,
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,
                **options,
            ) as answer:
                if not answer.ok or answer.is_redirect:
                    raise _refused(answer)
                yield answer
        except requests.exceptions.JSONDecodeError as error:
            raise Failure(
                f"{self._url} is no platform: it answered something other than JSON."
            ) from error
        except requests.Timeout as error:
            raise Failure(f"{self._url} did not answer in time; try again.") from error
        except requests.RequestException as error:
            raise Failure(f"{self._url} cannot be reached: {_cause(error)}.") from error


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _cause(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return str(error) or type(error).__name__


def _refused(answer: requests.Response) -> Refused:
    problem: dict[str, Any] = {}
    if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        problem = answer.json()
    text = problem.get("detail") or answer.text[:_SHOWN].strip() or answer.reason
    where = f" ({problem['pointer']})" if problem.get("pointer") else ""
    return Refused(answer.status_code, problem, f"{text}{where}")
