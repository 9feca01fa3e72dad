-- Make restores of the table wait until the transaction ends; other loads continue.
select pg_advisory_xact_lock_shared({restore_lock_key})
