"""The statements between a staging table and its target, composed from the dictionary."""

from shared.warehouse.names import Names, quoted
from shared.warehouse.star import Projection


def staged_counts(names: Names, projection: Projection, staging: str) -> str:
    """Count the staged rows, and their keys: Google refuses a MERGE where a key comes twice."""
    table = names.table(staging)
    key = ", ".join(quoted(name) for name in projection.table.key)
    return "\n".join(
        (
            "select",
            "  count(*) as row_count,",
            # Names of the dictionary, quoted.
            f"  (select count(*) from (select distinct {key} from {table})) as key_count",  # noqa: S608
            f"from {table}",
        )
    )


def merge(names: Names, projection: Projection, staging: str, *, whole: bool) -> str:
    """Bring the staged rows into the target by key, in one atomic statement.

    Args:
        names: where the warehouse is.
        projection: the table.
        staging: name of the staging table.
        whole: the staged rows are all there are: others go, and older ones come back.
    """
    columns = projection.selection
    listed = ", ".join(quoted(name) for name in columns)
    return "\n".join(
        (
            f"merge into {names.table(projection.target)} as target",
            "using (",
            f"  select {_selected(columns)}",
            f"  from {names.table(staging)}",
            ") as source",
            f"on {' and '.join(_same(name) for name in projection.key)}",
            f"when matched{'' if whole else _NOT_OLDER} then",
            f"  update set {_updates(projection)}",
            "when not matched then",
            f"  insert ({listed})",
            f"  values ({', '.join(f'source.{quoted(name)}' for name in columns)})",
            *(("when not matched by source then", "  delete") if whole else ()),
        )
    )


def replacement(names: Names, projection: Projection, staging: str, condition: str = "true") -> str:
    """Put the staged rows in place of some or all of the target's, in one transaction.

    Unlike a merge by key it also removes rows whose key comes twice.

    Args:
        names: where the warehouse is.
        projection: the table.
        staging: name of the staging table.
        condition: which rows of the target go; all of them by default.
    """
    target, columns = names.table(projection.target), projection.selection
    listed = ", ".join(quoted(name) for name in columns)
    # Names of the dictionary, quoted.
    return (
        "begin transaction;\n"
        f"delete from {target} where {condition};\n"
        f"insert into {target} ({listed})\n"
        f"select {_selected(columns)}\n"
        f"from {names.table(staging)};\n"
        "commit transaction;"
    )


# A sync that was held up must not bring old versions over those of a later one.
_NOT_OLDER = " and source.accepted_at >= target.accepted_at"


def _selected(columns: dict[str, str]) -> str:
    return ", ".join(f"{expression} as {quoted(name)}" for name, expression in columns.items())


def _same(name: str) -> str:
    return f"target.{quoted(name)} = source.{quoted(name)}"


def _updates(projection: Projection) -> str:
    return ", ".join(
        f"{quoted(name)} = source.{quoted(name)}"
        for name in projection.selection
        if name not in projection.key
    )
