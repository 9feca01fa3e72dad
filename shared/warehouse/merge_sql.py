"""Composes the SQL that merges staged rows into their target in BigQuery, from the dictionary.

tests/golden/warehouse/merge_sql.sql has every statement as composed for `hired_employees`.
"""

from shared.database.sql import composed, listed
from shared.tables import stored
from shared.warehouse.names import Names, quoted
from shared.warehouse.star import Projection


def staged_counts(names: Names, projection: Projection, staging: str) -> str:
    """Count the staged rows and their keys: a repeated key would make a MERGE fail."""
    return composed(
        """
        select
          count(*) as row_count,
          (select count(*) from (select distinct {key} from {staging})) as key_count
        from {staging}
        """,
        key=listed(quoted(name) for name in stored.key(projection.table)),
        staging=names.table(staging),
    )


def merge(names: Names, projection: Projection, staging: str, *, whole: bool) -> str:
    """Merge the staged rows into the target by key, in one atomic statement.

    Args:
        names: the project and datasets.
        projection: the table.
        staging: name of the staging table.
        whole: whether the whole table is staged. Then the target's other rows are deleted, and
            older versions replace newer ones.
    """
    columns, accepted_at = list(projection.selection), quoted(stored.ACCEPTED_AT)
    return composed(
        """
        merge into {target} as target
        using (
          select
            {selected}
          from {staging}
        ) as source
        on {same_key}
        when matched{not_older} then
          update set
            {changes}
        when not matched then
          insert ({columns})
          values (
            {values}
          )
        {delete_others}
        """,
        target=names.table(projection.target),
        selected=_selected(projection),
        staging=names.table(staging),
        same_key=" and ".join(
            f"target.{quoted(name)} = source.{quoted(name)}" for name in projection.key
        ),
        # A delayed sync must not overwrite the versions of a later sync with older ones.
        not_older="" if whole else f" and source.{accepted_at} >= target.{accepted_at}",
        changes=listed(
            f"{quoted(name)} = source.{quoted(name)}"
            for name in columns
            if name not in projection.key
        ),
        columns=", ".join(map(quoted, columns)),
        values=listed(f"source.{quoted(name)}" for name in columns),
        delete_others="when not matched by source then\n  delete" if whole else "",
    )


def replacement(names: Names, projection: Projection, staging: str, condition: str = "true") -> str:
    """Replace some or all of the target's rows by the staged rows, in one transaction.

    Unlike a merge by key it also deletes rows whose key is repeated.

    Args:
        names: the project and datasets.
        projection: the table.
        staging: name of the staging table.
        condition: which rows of the target to delete; all of them by default.
    """
    return composed(
        """
        begin transaction;
        delete from {target}
        where {condition};
        insert into {target} ({columns})
        select
          {selected}
        from {staging};
        commit transaction;
        """,
        target=names.table(projection.target),
        condition=condition,
        columns=", ".join(map(quoted, projection.selection)),
        selected=_selected(projection),
        staging=names.table(staging),
    )


def _selected(projection: Projection) -> str:
    return listed(
        f"{expression} as {quoted(name)}" for name, expression in projection.selection.items()
    )
