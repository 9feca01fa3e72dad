"""What can stand in the way of the embedded platform.

PlatformFault               told in one line, with what to do about it last
├── HomeInUse                 another platform runs on this home
└── NotAHome                  a folder that holds something else
"""

from shared.errors import PermanentError


class PlatformFault(PermanentError):
    """The platform cannot go on; `str()` says why and what to do in one line."""


class HomeInUse(PlatformFault):
    """Another platform runs on this home."""


class NotAHome(PlatformFault):
    """The folder is there, but it is no home of a platform."""
