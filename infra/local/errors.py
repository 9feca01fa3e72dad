"""Errors of the embedded platform.

PlatformError             reported in one line that ends with what to do about it
├── HomeInUse               another platform runs on this home
└── NotAHome                the folder is not the home of a platform
"""

from shared.errors import PermanentError


class PlatformError(PermanentError):
    """The platform cannot go on; `str()` says why, and what to do, in one line."""


class HomeInUse(PlatformError):
    """Another platform runs on this home."""


class NotAHome(PlatformError):
    """The folder does not exist, or is not the home of a platform."""
