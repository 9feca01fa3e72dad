-- Forget how far a load had come, and those whose process died long ago.
delete from load_progress
where load_id = cast(:load_id as uuid) or updated_at < now() - interval '1 day'
