-- Record that a source can never be loaded, and why.
insert into loads (
    load_id, source, kind, sender, content, table_name, state, error, accepted_at, finished_at
)
values (
    cast(:load_id as uuid), :source, :kind, :sender, :content, :table_name, 'failed',
    cast(:error as jsonb), :accepted_at, clock_timestamp()
)
on conflict do nothing
