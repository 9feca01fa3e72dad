"""Heavy libraries at the top of a file like any other, imported when they are first used.

    from shared.lazy import numpy as np
    from shared.lazy import sqlalchemy as sa

A cold function answers sooner if it imports only what its first call needs. Each name here stands
for a module and imports it when one of its attributes is first read. A module that reads one while
it is itself imported (a constant, a base class, a default value, an annotation without
`from __future__ import annotations`) pays for the library at once.
"""

from collections.abc import Callable
from functools import update_wrapper
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

__all__ = [
    "Once",
    "aiohttp",
    "api_exceptions",
    "apispec",
    "apispec_marshmallow",
    "auth_credentials",
    "auth_exceptions",
    "bigquery",
    "cloud_sql",
    "cramjam",
    "dataflow_v1beta3",
    "fastavro",
    "gcs",
    "google_crc32c",
    "grpc",
    "isal_zlib",
    "jwt",
    "numpy",
    "pg8000",
    "postgresql",
    "pubsub_gapic",
    "pubsub_v1",
    "re2",
    "requests",
    "retries",
    "sqlalchemy",
    "urllib_request",
]

# One lock for all modules. Threads that import modules which need each other would each wait for
# the other; Python notices, and gives one of them a half-initialised module. That is also why this
# is not importlib's LazyLoader, which locks nothing before Python 3.11.9 (gh-114763).
_LOCK = RLock()


class LazyModule:
    """A module that is imported when one of its attributes is first read.

    Args:
        path: the module's dotted name.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        """Import the module and return its attribute; the next read is an ordinary one."""
        with _LOCK:
            found = getattr(import_module(self._path), name)
        setattr(self, name, found)
        return found


if TYPE_CHECKING:
    import urllib.request as urllib_request

    import aiohttp
    import apispec
    import apispec.ext.marshmallow as apispec_marshmallow
    import cramjam
    import fastavro
    import google.api_core.exceptions as api_exceptions
    import google.api_core.retry as retries
    import google.auth.credentials as auth_credentials
    import google.auth.exceptions as auth_exceptions
    import google.cloud.sql.connector as cloud_sql
    import google.cloud.storage as gcs
    import google.pubsub_v1 as pubsub_gapic
    import google_crc32c
    import grpc
    import numpy
    import pg8000
    import re2
    import requests
    import sqlalchemy
    from google.auth import jwt
    from google.cloud import bigquery, dataflow_v1beta3, pubsub_v1
    from isal import isal_zlib
    from sqlalchemy.dialects import postgresql
else:
    aiohttp = LazyModule("aiohttp")
    apispec = LazyModule("apispec")
    apispec_marshmallow = LazyModule("apispec.ext.marshmallow")
    cramjam = LazyModule("cramjam")
    fastavro = LazyModule("fastavro")
    api_exceptions = LazyModule("google.api_core.exceptions")
    retries = LazyModule("google.api_core.retry")
    auth_credentials = LazyModule("google.auth.credentials")
    auth_exceptions = LazyModule("google.auth.exceptions")
    cloud_sql = LazyModule("google.cloud.sql.connector")
    gcs = LazyModule("google.cloud.storage")
    pubsub_gapic = LazyModule("google.pubsub_v1")
    google_crc32c = LazyModule("google_crc32c")
    grpc = LazyModule("grpc")
    numpy = LazyModule("numpy")
    pg8000 = LazyModule("pg8000")
    re2 = LazyModule("re2")
    requests = LazyModule("requests")
    sqlalchemy = LazyModule("sqlalchemy")
    jwt = LazyModule("google.auth.jwt")
    bigquery = LazyModule("google.cloud.bigquery")
    dataflow_v1beta3 = LazyModule("google.cloud.dataflow_v1beta3")
    pubsub_v1 = LazyModule("google.cloud.pubsub_v1")
    isal_zlib = LazyModule("isal.isal_zlib")
    postgresql = LazyModule("sqlalchemy.dialects.postgresql")
    urllib_request = LazyModule("urllib.request")


T = TypeVar("T")


class Once(Generic[T]):
    """An object that the first call makes and every call returns.

    Threads that call at the same moment get the same object.

    Args:
        make: makes it; if that fails, the next call tries again.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        update_wrapper(self, make)

    def __call__(self) -> T:
        """Return the object."""
        if not self._made:
            with _LOCK:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]

    @property
    def is_made(self) -> bool:
        """Return whether the object exists, and so has to be closed."""
        return bool(self._made)

    def forget(self) -> None:
        """Make a new object at the next call."""
        self._made.clear()
