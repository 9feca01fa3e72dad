"""Composes SQL that computes the same checksums of a table in PostgreSQL and in BigQuery.

Each row becomes text: its columns in a common form, text as its MD5, with bars between them. The
MD5 of its key decides which bucket the row is in. The MD5s of whole rows are added up within the
bucket, so that the order of rows does not matter, in two halves, so that sums fit in 64 bits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.database import sql as postgres_sql
from shared.tables import stored
from shared.warehouse import names as bigquery_sql
from shared.warehouse.names import Names
from shared.warehouse.star import Projection

# The common form of a derived column, by its type: SQL for PostgreSQL, and for BigQuery.
DERIVED = {"DATE": ("cast({} - date '1970-01-01' as text)", "cast(unix_date({}) as string)")}
# BigQuery's columns hold nulls even of required fields, if the column was added later.
_NULL = "'null'"
_BAR = "\n|| '|' || "


@dataclass(frozen=True)
class Side:
    """A table on one side, with its database's SQL for each part of the checksums.

    Attributes:
        table: the table, quoted.
        key: its key's columns, under the names of the dictionary.
        cells: each column in its common form, under the names of the dictionary.
        md5: SQL for the MD5 of an expression, in hexadecimal.
        number: SQL that reads eight hexadecimal digits as a number.
        among: SQL that finds an expression in the list of a parameter.
    """

    table: str
    key: Mapping[str, str]
    cells: Mapping[str, str]
    md5: Callable[[str], str]
    number: Callable[[str], str]
    among: Callable[[str, str], str]

    def bucket(self, digits: int) -> str:
        """Compose a row's bucket: the first `digits` digits of the MD5 of its key."""
        key = _BAR.join(self.cells[name] for name in self.key)
        return f"substr({self.md5(key)}, 1, {digits})"

    def among_buckets(self, digits: int) -> str:
        """Compose the condition that a row is in one of the buckets of the parameter `buckets`."""
        return self.among(self.bucket(digits), "buckets")

    def among_these(self, digits: int, buckets: Sequence[str]) -> str:
        """Compose the condition that a row is in one of these buckets, without parameters."""
        # Parsed as a number, so that only hexadecimal digits get into the statement.
        listed = ", ".join(f"'{int(bucket, 16):0{digits}x}'" for bucket in buckets)
        return f"{self.bucket(digits)} in ({listed})"

    def buckets(self, digits: int, within: int) -> str:
        """Select each bucket's count and checksum; `within` limits it to buckets of that length."""
        return postgres_sql.composed(
            """
            select
                bucket,
                count(*) as row_count,
                sum({first}) as first,
                sum({second}) as second
            from (
                select
                    {bucket} as bucket,
                    {row_md5} as row_md5
                from {table}
                {where}
            ) as hashed
            group by bucket
            """,
            first=self.number("substr(row_md5, 1, 8)"),
            second=self.number("substr(row_md5, 9, 8)"),
            bucket=self.bucket(digits),
            row_md5=self.md5(_BAR.join(self.cells.values())),
            table=self.table,
            where=f"where {self.among_buckets(within)}" if within else "",
        )

    def rows(self, digits: int) -> str:
        """Select key and columns, in their common form, of the rows in some buckets."""
        key = ", ".join(f"{name} as key_{number}" for number, name in enumerate(self.key.values()))
        return postgres_sql.composed(
            """
            select
                {key},
                {cells} as cells
            from {table}
            where {among_buckets}
            """,
            key=key,
            cells=_BAR.join(self.cells.values()),
            table=self.table,
            among_buckets=self.among_buckets(digits),
        )


def postgres_side(projection: Projection) -> Side:
    """Return the side of a table in PostgreSQL."""
    stored_columns = stored.columns(projection.table).items()
    columns = {name: postgres_sql.quoted(name) for name, _ in stored_columns}
    cells = {
        name: _or_null(one.postgres_canonical.format(columns[name]), one.nullable)
        for name, one in stored_columns
    }
    nullable = {column.name for column in projection.columns if column.nullable}
    for name, derived in projection.derived.items():
        form = DERIVED[derived.type][0].format(derived.postgres)
        cells[name] = _or_null(form, name in nullable)
    return Side(
        f"public.{postgres_sql.quoted(projection.table.name)}",
        {name: _key_column(name) for name in stored.key(projection.table)},
        cells,
        lambda text: f"md5({text})",
        lambda digits: f"cast(cast('x' || {digits} as bit(32)) as bigint)",
        lambda text, name: f"{text} = any(cast(:{name} as text[]))",
    )


def _key_column(name: str) -> str:
    column = postgres_sql.quoted(name)
    # BigQuery has the text of it.
    return f"cast({column} as text)" if name == stored.LOAD_ID else column


def _or_null(cell: str, nullable: bool) -> str:
    return f"coalesce({cell}, {_NULL})" if nullable else cell


def bigquery_side(projection: Projection, names: Names) -> Side:
    """Return the side of the same table in BigQuery."""
    forms = {
        name: column.bigquery_canonical for name, column in stored.columns(projection.table).items()
    } | {name: DERIVED[derived.type][1] for name, derived in projection.derived.items()}
    renamed = projection.place.rename
    columns = {name: bigquery_sql.quoted(renamed.get(name, name)) for name in forms}
    return Side(
        names.table(projection.target),
        {name: columns[name] for name in stored.key(projection.table)},
        {name: f"ifnull({form.format(columns[name])}, {_NULL})" for name, form in forms.items()},
        lambda text: f"to_hex(md5({text}))",
        lambda digits: f"cast(concat('0x', {digits}) as int64)",
        lambda text, name: f"{text} in unnest(@{name})",
    )


def cells_of(side: Side, text: str) -> dict[str, str]:
    """Split the text that `rows` selects into a row's columns."""
    return dict(zip(side.cells, text.split("|"), strict=True))
