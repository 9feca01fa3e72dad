"""Moments, as structs of the API hold them."""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A datetime with its offset; without `tz` JSON Schema would not say `date-time`."""
