-- Enter a finished restore in the ledger.
insert into loads (
    load_id, source, kind, sender, content, table_name, state, rows_read, inserted, updated,
    unchanged, deleted, accepted_at, started_at, finished_at
)
values (
    cast(:load_id as uuid), :source, 'restore', :sender, :content, :table_name, 'done', :rows,
    :inserted, :updated, :unchanged, :deleted, :accepted_at, :accepted_at, clock_timestamp()
)
