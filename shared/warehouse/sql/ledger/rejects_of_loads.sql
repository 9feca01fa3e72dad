-- Count the rejects of each synced load by status.
select
    cast(rejected_rows.load_id as text) as load_id,
    count(*) filter (where rejected_rows.status = 'discarded') as discarded,
    count(*) filter (where rejected_rows.status = 'loaded') as loaded,
    count(*) filter (where rejected_rows.status = 'rejected') as rejected,
    count(*) filter (where rejected_rows.status = 'replayed') as replayed,
    count(*) filter (where rejected_rows.status = 'waiting') as waiting
from rejected_rows
join loads on loads.load_id = rejected_rows.load_id
where loads.synced_at is not null
group by rejected_rows.load_id
