"""readings: what sensors measured."""

from shared.tables import (
    Boolean,
    Check,
    Float,
    Json,
    Reference,
    Row,
    Table,
    Timestamp,
    UtcDay,
    Uuid,
    Warehouse,
)


class Reading(Row):
    """A reading of a sensor."""

    sensor_id = Uuid(description="Which sensor")
    taken_at = Timestamp(description="When it was taken")
    value = Float(description="What was measured", minimum=-273.15, maximum=1e6)
    deviation = Float(description="Standard deviation", minimum=0, optional=True)
    is_estimated = Boolean(description="Whether it was computed", default=False)
    context = Json(description="What else the sensor sent", optional=True)


TABLE = Table(
    name="readings",
    schema=Reading,
    key=("sensor_id", "taken_at"),
    references=(Reference("sensor_id", "sensors"),),
    checks=(
        Check("is_estimated or deviation is None or deviation < 10", "Too inexact to be measured."),
    ),
    warehouse=Warehouse(
        name="fact_readings",
        derived={"taken_on": UtcDay("taken_at", description="The day of it in UTC")},
        partition="taken_on",
        partition_by="month",
    ),
)
