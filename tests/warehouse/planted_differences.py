"""Differences between BigQuery and PostgreSQL, made on purpose in ten hires."""

import unicodedata

FACTS = "`warehouse.fact_hires`"
MICROSECOND = "interval 1 microsecond"


def changed(*found):
    return [("changed", key, fields) for key, fields in found]


# The statement run on BigQuery, and the differences it makes: kind, key, fields.
PLANTED = {
    "a row is missing": (f"delete from {FACTS} where id = 1", [("missing", 1, ())]),
    "a row too many": (
        f"insert into {FACTS} select * replace (900 as id) from {FACTS} where id = 1",
        [("extra", 900, ())],
    ),
    "a row twice": (
        f"insert into {FACTS} select * from {FACTS} where id = 1",
        [("repeated", 1, ())],
    ),
    "a row under another key": (
        f"update {FACTS} set id = 901 where id = 2",
        [("missing", 2, ()), ("extra", 901, ())],
    ),
    "one row for another": (
        f"update {FACTS} set id = 902, name = 'Di' where id = 3",
        [("missing", 3, ()), ("extra", 902, ())],
    ),
    "a name changed": (
        f"update {FACTS} set name = 'Eva' where id = 1",
        changed((1, ("name",))),
    ),
    "a moment changed by a microsecond": (
        f"update {FACTS} set hired_at = timestamp_add(hired_at, {MICROSECOND}) where id = 1",
        changed((1, ("datetime",))),
    ),
    "a day changed": (
        f"update {FACTS} set hired_on = date_add(hired_on, interval 1 month) where id = 1",
        changed((1, ("hired_on",))),
    ),
    "a department changed": (
        f"update {FACTS} set department_id = 2 where id = 2",
        changed((2, ("department_id",))),
    ),
    "a job changed": (
        f"update {FACTS} set job_id = 2 where id = 2",
        changed((2, ("job_id",))),
    ),
    "a version changed": (
        f"update {FACTS} set accepted_at = timestamp_sub(accepted_at, {MICROSECOND}) where id = 4",
        changed((4, ("accepted_at",))),
    ),
    "a load changed": (
        f"update {FACTS} set load_id = upper(load_id) where id = 4",
        changed((4, ("load_id",))),
    ),
    "capitals": (
        f"update {FACTS} set name = 'ANA' where id = 1",
        changed((1, ("name",))),
    ),
    "a blank at the end": (
        f"update {FACTS} set name = concat(name, ' ') where id = 1",
        changed((1, ("name",))),
    ),
    "the same letters, otherwise composed": (
        f"update {FACTS} set name = '{unicodedata.normalize('NFD', 'José')}' where id = 2",
        changed((2, ("name",))),
    ),
    "nothing for something": (
        f"update {FACTS} set name = '' where id = 1",
        changed((1, ("name",))),
    ),
    "the word null for something": (
        f"update {FACTS} set name = 'null' where id = 1",
        changed((1, ("name",))),
    ),
    "two rows swapped": (
        f"update {FACTS} set name = if(id = 1, 'José', 'Ana') where id in (1, 2)",
        changed((1, ("name",)), (2, ("name",))),
    ),
    "two columns swapped": (
        f"update {FACTS} set department_id = job_id, job_id = department_id where id = 4",
        changed((4, ("department_id", "job_id"))),
    ),
    "a bar moved": (
        f"update {FACTS} set name = 'a', load_id = concat('b|', load_id) where id = 4",
        changed((4, ("name", "load_id"))),
    ),
    "everything gone": (
        f"delete from {FACTS} where true",
        [("missing", number, ()) for number in range(1, 11)],
    ),
}
