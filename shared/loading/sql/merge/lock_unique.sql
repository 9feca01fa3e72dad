-- Make other loads wait before they store rows of the table, until the transaction ends.
select pg_advisory_xact_lock({unique_lock_key})
