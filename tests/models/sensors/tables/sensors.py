"""sensors: what measures."""

from shared.tables import Boolean, Choice, Date, Json, Row, Table, Text, Uuid


class Sensor(Row):
    """A sensor."""

    id = Uuid(description="Id of the sensor")
    label = Text(description="What is written on it", max_length=40)
    quantity = Choice(description="What it measures", of=("temperature", "humidity"))
    is_active = Boolean(description="Whether it measures", default=True)
    installed_on = Date(description="When it was installed", minimum="2000-01-01")
    attributes = Json(description="What its maker says about it", optional=True)


TABLE = Table("sensors", Sensor)
