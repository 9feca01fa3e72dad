-- Wait for a load of the same bytes into the same table that is running.
select pg_advisory_xact_lock(hashtextextended(:table_name || ' ' || :content, 0))
