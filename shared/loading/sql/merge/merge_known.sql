-- Merge the staged rows whose keys are stored, and unstage them. The newest accepted version stays;
-- an update moves the old row to replaced_rows. Returns the counts (unchanged, superseded, updated).
with known as (select * from {known}),
replaced as (
    insert into replaced_rows
        (table_name, key, row, {own_columns}, replaced_by)
    select
        {table_name},
        {known_key_json},
        {known_row_json},
        {own_columns},
        {load_id}
    from known
    where not same and not newer
),
updated as (
    update {target} as stored
    set
        {known_changes}
    from known
    where not known.same and not known.newer
        and {stored_is_known}
),
confirmed as (
    update {target} as stored
    set accepted_at = {accepted_at}
    from known
    where known.same and known.accepted_at < {accepted_at}
        and {stored_is_known}
),
{unstage_known}
select
    count(*) filter (where same),
    count(*) filter (where not same and newer),
    count(*) filter (where not same and not newer)
from known
