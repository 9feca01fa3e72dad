-- Enter the key of a batch; a second call with the same key waits for the first and enters nothing.
insert into batch_keys (batch_id, sender, body_sha256)
values (cast(:batch_id as uuid), :sender, :body_sha256)
on conflict (batch_id) do nothing
returning created_at
