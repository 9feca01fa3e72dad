-- Keep the last of the staged rows that share a key; the others are superseded, and kept as versions.
-- Returns how many.
with repeated as (
    select {key}, max(position) as last_position
    from {staging}
    group by {key}
    having count(*) > 1
),
earlier as (
    delete from {staging} as staged
    using repeated
    where {staged_is_repeated}
        and staged.position < repeated.last_position
    returning staged.*
),
kept as (
    insert into row_versions
        (table_name, key, row, {own_columns}, reason, replaced_by)
    select
        {table_name},
        {earlier_key_json},
        {earlier_row_json},
        {own_values},
        'repeated',
        {load_id}
    from earlier
)
select count(*)
from earlier
