"""zones: where passengers get in and out."""

from shared.tables import Choice, Decimal, Integer, Row, Table, Text


class Zone(Row):
    """A zone of the city."""

    id = Integer(description="Number of the zone", minimum=1, maximum=999, aliases=("LocationID",))
    borough = Choice(description="Borough", of=("Manhattan", "Queens", "Staten Island"))
    name = Text(description="Name of the zone", aliases=("Zone",))
    latitude = Decimal(description="Degrees north", digits=8, places=6, minimum=-90, maximum=90)
    longitude = Decimal(description="Degrees east", digits=9, places=6, minimum=-180, maximum=180)


TABLE = Table("zones", Zone)
