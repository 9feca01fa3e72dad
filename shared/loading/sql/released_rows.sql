-- Mark rows that waited as loaded, except those given as a JSON list of {id, errors}: they no longer
-- obey the rules, and are rejects from now on.
with refused as (
    select id, errors
    from jsonb_to_recordset(cast(:refused as jsonb)) as given (id bigint, errors jsonb)
)
update rejected_rows
set
    status = case when refused.id is null then 'loaded' else 'rejected' end,
    errors = coalesce(refused.errors, rejected_rows.errors),
    reason = coalesce(refused.errors -> 0 ->> 'code', rejected_rows.reason)
from unnest(cast(:ids as bigint[])) as freed (id)
left join refused on refused.id = freed.id
where rejected_rows.reject_id = freed.id
