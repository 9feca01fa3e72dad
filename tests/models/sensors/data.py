"""What sensors send: identifiers in letters of any case, measured numbers, JSON."""

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from tests.models.model import Answer, Batch, Difference, Model

ROOF = "0f8fad5b-d9cb-469f-a165-70867728950e"
CELLAR = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

SENSORS = Model(
    folder=Path(__file__).parent,
    children=(
        (
            "readings.csv",
            "sensor_id,taken_at,value,deviation,is_estimated,context\n"
            f"{ROOF.upper()},2021-06-01T00:00:00Z,21.5,0.25,False,"
            '"{""gust"": {""km/h"": 12.50}}"\n'
            f"{ROOF},2021-06-01T02:00:00+01:00,20,,,\n"
            # The same moment: the later line wins.
            f'{ROOF},2021-06-01T01:00:00Z,22.5,,TRUE,"[1, null, true, ""ü""]"\n'
            f"{CELLAR},2021-12-31T23:59:59.999999Z,-273.15,,TRUE,[]\n"
            f"{CELLAR},2021-12-31T23:59:59Z,1e-7,12,true,\n"
            f"{CELLAR},2021-12-31T22:00:00Z,-300,-1,maybe,{{broken\n"
            "a sensor,2021-12-31,NaN,,false,null\n"
            f"{CELLAR},2021-12-31T21:00:00Z,1,12,false,\n",
        ),
    ),
    batch=Batch(
        "readings",
        (
            {
                "sensor_id": CELLAR.upper(),
                "taken_at": "2021-01-01T00:00:00Z",
                "value": 3,
                "deviation": 0.1,
                "context": {"deep": [[["x"]]], "water": "💧"},
            },
            {
                "sensor_id": CELLAR,
                "taken_at": "2021-01-01T00:00:00Z",
                "value": "3",
                "is_estimated": 1,
            },
        ),
        accepted=1,
    ),
    # Of two rows with the same key, only the later one.
    waiting=5,
    parents=(
        (
            "sensors.csv",
            f"{ROOF},Roof,temperature,,2000-01-01,"
            '"{""maker"": ""Ä & Sons"", ""range"": [-40, 85]}"\n'
            f"{CELLAR.upper()},Cellar,temperature,false,2021-02-28,\n"
            "7c9e6679742540de944be07fc1f90ae7,,pressure,no,1999-12-31,{'a': 1}\n",
        ),
    ),
    still_waiting=0,
    rejects=(
        ("readings", "_row", "check_failed"),
        ("readings", "context", "json_null"),
        ("readings", "context", "not_strict_json"),
        ("readings", "deviation", "number_out_of_range"),
        ("readings", "is_estimated", "not_a_boolean"),
        ("readings", "is_estimated", "not_a_boolean"),
        ("readings", "sensor_id", "not_a_uuid"),
        ("readings", "taken_at", "not_a_timestamp"),
        ("readings", "value", "not_a_number"),
        ("readings", "value", "not_a_number"),
        ("readings", "value", "number_out_of_range"),
        ("sensors", "attributes", "not_strict_json"),
        ("sensors", "id", "not_a_uuid"),
        ("sensors", "installed_on", "date_out_of_range"),
        ("sensors", "is_active", "not_a_boolean"),
        ("sensors", "label", "missing"),
        ("sensors", "quantity", "not_a_choice"),
    ),
    stored={
        "sensors": (
            "id, label, quantity, is_active, installed_on, attributes",
            [
                (
                    *(UUID(ROOF), "Roof", "temperature", True, date(2000, 1, 1)),
                    {"maker": "Ä & Sons", "range": [-40, 85]},
                ),
                (UUID(CELLAR), "Cellar", "temperature", False, date(2021, 2, 28), None),
            ],
        ),
        "readings": (
            "sensor_id, taken_at, value, deviation, is_estimated, context",
            [
                (
                    *(UUID(ROOF), datetime(2021, 6, 1, tzinfo=UTC), 21.5, 0.25, False),
                    {"gust": {"km/h": 12.5}},
                ),
                (
                    *(UUID(ROOF), datetime(2021, 6, 1, 1, tzinfo=UTC), 22.5, None, True),
                    [1, None, True, "ü"],
                ),
                (
                    *(UUID(CELLAR), datetime(2021, 1, 1, tzinfo=UTC), 3.0, 0.1, False),
                    {"deep": [[["x"]]], "water": "💧"},
                ),
                (
                    *(UUID(CELLAR), datetime(2021, 12, 31, 23, 59, 59, tzinfo=UTC)),
                    *(1e-7, 12.0, True, None),
                ),
                (
                    *(UUID(CELLAR), datetime(2021, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
                    *(-273.15, None, True, []),
                ),
            ],
        ),
    },
    row=Answer(
        f"/read_rows/readings/{ROOF},2021-06-01T01:00:00Z",
        {
            "sensor_id": ROOF,
            "taken_at": "2021-06-01T01:00:00Z",
            "value": 22.5,
            "deviation": None,
            "is_estimated": True,
            "context": [1, None, True, "ü"],
        },
    ),
    metric=Answer("/mean_readings?year=2021", [{"label": "Roof", "readings": 2, "mean": 22.0}]),
    csv="label,readings,mean\r\nRoof,2,22.0\r\n",
    damage=(
        "delete from readings where value = 3",
        "update readings set context = '{}', value = 1e-8 where value = 1e-7",
        "update sensors set is_active = true, attributes = '[]' where label = 'Cellar'",
    ),
    restored=(1, 2, 0),
    differences={
        "sensors": Difference(
            "update `{dataset}.sensors` set is_active = true where label = 'Cellar'",
            {"id": CELLAR},
            ("is_active",),
        ),
        "readings": Difference(
            "update `{dataset}.fact_readings` set value = 22.5000001, context = null"
            " where value = 22.5",
            {"sensor_id": ROOF, "taken_at": "2021-06-01T01:00:00Z"},
            ("value", "context"),
        ),
    },
)
