-- Record how far a load has come.
insert into load_progress (load_id, rows_read, bytes_read, size_bytes)
values (cast(:load_id as uuid), :rows_read, :bytes_read, :size_bytes)
on conflict (load_id) do update
set
    rows_read = excluded.rows_read, bytes_read = excluded.bytes_read,
    updated_at = clock_timestamp()
