"""Errors of the embedded platform.

PlatformError             reported in one line that ends with the remedy
├── HomeInUse               another platform runs on this home
└── NotAHome                the folder is not the home of a platform
"""

from shared.errors import PermanentError


class PlatformError(PermanentError):
    """The platform cannot continue; `str()` gives the reason and the remedy in one line."""


class HomeInUse(PlatformError):
    """Another platform runs on this home."""


class NotAHome(PlatformError):
    """The folder does not exist, or is not the home of a platform."""
