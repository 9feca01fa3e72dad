"""What a taxi company sends: local times around changes of clocks, coordinates, fares."""

from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

from tests.models.model import Answer, Batch, Difference, Model

TAXI = Model(
    folder=Path(__file__).parent,
    children=(
        (
            "trips/2021.csv",
            "7B42,2021-07-01T08:00:00,2021-07-01T08:30:00,2021-07-01T08:29:58.5,06:00:00,1,2,2,3.25,"
            "14.50,2.00,card\n"
            # Clocks show the second time twice on that day.
            "7B42,2021-11-07T01:00:00-04:00,2021-11-07T01:30:00,2021-11-07T01:30:00,,2,1,,1e-1,5,,\n"
            "8C01,2021-11-07T01:30:00,2021-11-07T03:00:00,2021-11-07T03:00:00,,1,1,1,1,1,,\n"
            "8C01,2021-03-14T02:30:00,2021-03-14T03:30:00,2021-03-14 03:30:00,25:00:00,1,1,12,-1,"
            "1.234,,gold\n"
            "9D99,2021-07-01T08:00:00,2021-07-01T07:00:00,2021-07-01T07:00:00,,1,1,1,1,1,,\n"
            "9D99,2021-07-01T09:00:00,2021-07-01T09:01:00,2021-07-01T09:01:00,,1,1,1,1,1,2,cash\n",
        ),
    ),
    batch=Batch(
        "trips",
        (
            {
                "taxi": "8C01",
                "picked_up_at": "2021-07-02T00:00:00",
                "dropped_off_at": "2021-07-02T00:10:00.000001",
                "meter_at": "2021-07-02T00:10:00.000001",
                "pickup_zone": 1,
                "dropoff_zone": 1,
                "distance": 0.75,
                "fare": 12.1,
                "payment": "cash",
            },
            {
                "taxi": "8C01",
                "picked_up_at": "2021-07-02T00:00:00",
                "dropped_off_at": "2021-07-02T00:10:00",
                "meter_at": "2021-07-02T00:10:00-04:00",
                "pickup_zone": "1",
                "dropoff_zone": 1,
                "distance": "0.75",
                "fare": 12.1,
            },
        ),
        accepted=1,
    ),
    waiting=3,
    parents=(
        (
            "zones.csv",
            "Zone,LocationID,borough,longitude,latitude\n"
            "Chinatown,1,Manhattan,-73.997,40.7158\n"
            "Astoria,2,Queens,-73.923462,40.764357\n"
            ",3,Bronx,-200,91\n",
        ),
    ),
    still_waiting=0,
    rejects=(
        ("trips", "_row", "check_failed"),
        ("trips", "_row", "check_failed"),
        ("trips", "distance", "not_a_number"),
        ("trips", "distance", "number_out_of_range"),
        ("trips", "fare", "too_many_places"),
        ("trips", "meter_at", "not_a_local_timestamp"),
        ("trips", "meter_at", "not_a_local_timestamp"),
        ("trips", "passengers", "out_of_range"),
        ("trips", "payment", "not_a_choice"),
        ("trips", "picked_up_at", "local_time_skipped"),
        ("trips", "picked_up_at", "local_time_twice"),
        ("trips", "pickup_zone", "not_an_integer"),
        ("trips", "shift_begins", "not_a_time"),
        ("zones", "borough", "not_a_choice"),
        ("zones", "latitude", "decimal_out_of_range"),
        ("zones", "longitude", "decimal_out_of_range"),
        ("zones", "name", "missing"),
    ),
    stored={
        "zones": (
            "id, borough, name, latitude, longitude",
            [
                (1, "Manhattan", "Chinatown", Decimal("40.715800"), Decimal("-73.997000")),
                (2, "Queens", "Astoria", Decimal("40.764357"), Decimal("-73.923462")),
            ],
        ),
        "trips": (
            "taxi, picked_up_at, dropped_off_at, meter_at, shift_begins, pickup_zone, dropoff_zone,"
            " passengers, distance, fare, tip, payment",
            [
                (
                    "7B42",
                    datetime(2021, 7, 1, 12, tzinfo=UTC),
                    datetime(2021, 7, 1, 12, 30, tzinfo=UTC),
                    datetime(2021, 7, 1, 8, 29, 58, 500000),  # noqa: DTZ001
                    time(6),
                    *(1, 2, 2, 3.25, Decimal("14.50"), Decimal("2.00"), "card"),
                ),
                (
                    "7B42",
                    datetime(2021, 11, 7, 5, tzinfo=UTC),
                    datetime(2021, 11, 7, 6, 30, tzinfo=UTC),
                    datetime(2021, 11, 7, 1, 30),  # noqa: DTZ001
                    None,
                    *(2, 1, 1, 0.1, Decimal("5.00"), Decimal("0.00"), None),
                ),
                (
                    "8C01",
                    datetime(2021, 7, 2, 4, tzinfo=UTC),
                    datetime(2021, 7, 2, 4, 10, 0, 1, tzinfo=UTC),
                    datetime(2021, 7, 2, 0, 10, 0, 1),  # noqa: DTZ001
                    None,
                    *(1, 1, 1, 0.75, Decimal("12.10"), Decimal("0.00"), "cash"),
                ),
            ],
        ),
    },
    row=Answer(
        "/read_rows/trips/{load_id},2",
        {
            "taxi": "7B42",
            "picked_up_at": "2021-11-07T05:00:00Z",
            "dropped_off_at": "2021-11-07T06:30:00Z",
            "meter_at": "2021-11-07T01:30:00",
            "shift_begins": None,
            "pickup_zone": 2,
            "dropoff_zone": 1,
            "passengers": 1,
            "distance": 0.1,
            "fare": "5.00",
            "tip": "0.00",
            "payment": None,
        },
    ),
    metric=Answer(
        "/trips_by_hour?passengers=1",
        [
            {"zone": "Astoria", "hour": 1, "trips": 1, "miles": 0.1},
            {"zone": "Chinatown", "hour": 0, "trips": 1, "miles": 0.75},
            {"zone": "Chinatown", "hour": 8, "trips": 1, "miles": 3.25},
        ],
    ),
    csv="zone,hour,trips,miles\r\nAstoria,1,1,0.1\r\nChinatown,0,1,0.75\r\nChinatown,8,1,3.25\r\n",
    damage=(
        "delete from trips where taxi = '8C01'",
        "update trips set meter_at = meter_at + interval '1 hour', shift_begins = null"
        " where fare = 14.50",
        "update zones set latitude = 40.715801 where id = 1",
    ),
    restored=(1, 2, 0),
    differences={
        "trips": Difference(
            "update `{dataset}.fact_trips` set meter_at = datetime '2021-07-01 08:29:58',"
            " shift_begins = null where fare = 14.5",
            {"position": 1},
            ("meter_at", "shift_begins"),
        ),
        "zones": Difference(
            "update `{dataset}.zones` set longitude = 73.997 where id = 1",
            {"id": 1},
            ("longitude",),
        ),
    },
)
