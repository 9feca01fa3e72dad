"""trips_by_hour: trips by zone and hour of the meter's clock."""

from datetime import UTC, datetime

import msgspec

from shared.metrics.metric import AsOf, Count, Metric
from shared.metrics.parameters import Parameter


class TripsOfHour(msgspec.Struct, frozen=True):
    """Trips that began in a zone and ended in an hour of the day."""

    zone: str
    hour: int
    trips: Count
    miles: float


class TripsByHour(msgspec.Struct, frozen=True):
    """Trips by zone and hour."""

    passengers: int
    as_of: AsOf
    rows: list[TripsOfHour]


METRIC = Metric(
    name="trips_by_hour",
    title="Trips by hour",
    summary="Trips by zone and hour of the day",
    counts=("zones", "trips"),
    document=TripsByHour,
    example=TripsByHour(
        passengers=0,
        as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        rows=[TripsOfHour("Astoria", 17, 3, 2.5)],
    ),
    parameters=(Parameter("passengers", "The fewest passengers of a trip.", 0, 9, 0),),
    measures=("trips", "miles"),
)
