-- Merge the staged rows whose keys are stored, and unstage them. The newest accepted version stays;
-- row_versions keeps the others: those that were replaced, those that came too late, and those whose
-- accepted_at alone was raised. Returns the counts (unchanged, superseded, updated).
with known as (select * from {known}),
replaced as (
    insert into row_versions
        (table_name, key, row, {own_columns}, reason, replaced_by)
    select
        {table_name},
        {known_key_json},
        {known_row_json},
        {own_columns},
        'replaced',
        {load_id}
    from known
    where not same and not newer
),
late as (
    insert into row_versions
        (table_name, key, row, {own_columns}, reason, replaced_by)
    select
        {table_name},
        {known_key_json},
        {known_new_row_json},
        {own_values},
        'late',
        known.load_id
    from known
    where (not same and newer) or (same and accepted_at > {accepted_at})
),
updated as (
    update {target} as stored
    set
        {known_changes}
    from known
    where not known.same and not known.newer
        and {stored_is_known}
),
raised as (
    insert into row_versions
        (table_name, key, {own_columns}, reason, replaced_by)
    select
        {table_name},
        {known_key_json},
        {own_columns},
        'confirmed',
        {load_id}
    from known
    where same and accepted_at < {accepted_at}
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
