"""trips: what taxis drove, with a passenger."""

from shared.tables import (
    Check,
    Choice,
    Decimal,
    Float,
    Integer,
    LocalTimestamp,
    Reference,
    Row,
    Table,
    Text,
    Time,
    Timestamp,
    Warehouse,
)


class Trip(Row):
    """A trip of a taxi."""

    taxi = Text(description="Number of the taxi", pattern="[0-9][A-Z][0-9]{2}", example="7B42")
    picked_up_at = Timestamp(description="When it began", zone="America/New_York")
    dropped_off_at = Timestamp(
        description="When it ended", zone="America/New_York", ambiguous="later"
    )
    meter_at = LocalTimestamp(description="What the meter's clock showed at the end")
    shift_begins = Time(description="When the driver's shift begins", optional=True)
    pickup_zone = Integer(description="Zone in which it began", aliases=("PULocationID",))
    dropoff_zone = Integer(description="Zone in which it ended", aliases=("DOLocationID",))
    passengers = Integer(description="Passengers", minimum=0, maximum=9, default=1)
    distance = Float(description="Miles", minimum=0, maximum=500)
    fare = Decimal(description="Fare in dollars", digits=8, places=2, minimum=0)
    tip = Decimal(description="Tip in dollars", digits=8, places=2, default="0")
    payment = Choice(description="How it was paid", of=("card", "cash"), optional=True)


TABLE = Table(
    name="trips",
    schema=Trip,
    # Trips are only ever appended.
    key=(),
    references=(Reference("pickup_zone", "zones"), Reference("dropoff_zone", "zones")),
    checks=(
        Check("dropped_off_at >= picked_up_at", "A trip ends after it began."),
        Check("tip <= fare or payment == 'card'", "Nobody tips more than the fare in cash."),
    ),
    warehouse=Warehouse(name="fact_trips", partition="picked_up_at", cluster=("pickup_zone",)),
)
