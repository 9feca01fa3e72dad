-- Claim a source: a second claim waits for the first, and inserts nothing if the first committed.
-- The conflict clause names no column: the id is unique too, and a claim may conflict there first.
insert into loads (load_id, source, kind, sender, content, repeats, table_name, state, accepted_at)
values (
    cast(:load_id as uuid), :source, :kind, :sender, :content, cast(:repeats as uuid),
    :table_name, 'loading', :accepted_at
)
on conflict do nothing
returning load_id
