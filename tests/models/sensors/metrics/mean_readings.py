"""mean_readings: the mean of each sensor's readings of a year."""

from datetime import UTC, datetime

import msgspec

from shared.metrics.metric import AsOf, Count, Metric


class MeanOfSensor(msgspec.Struct, frozen=True):
    """Readings of a sensor."""

    label: str
    readings: Count
    mean: float


class MeanReadings(msgspec.Struct, frozen=True):
    """The mean of each active sensor's readings of a year."""

    year: int
    as_of: AsOf
    rows: list[MeanOfSensor]


METRIC = Metric(
    name="mean_readings",
    title="Mean readings",
    summary="Mean reading of each sensor",
    counts=("sensors", "readings"),
    document=MeanReadings,
    example=MeanReadings(
        year=2021,
        as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        rows=[MeanOfSensor("Roof", 24, 11.5)],
    ),
    measures=("readings", "mean"),
)
