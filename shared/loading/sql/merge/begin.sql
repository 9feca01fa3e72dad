-- Set the load's id, time and sender, and make restores of the table wait until the transaction ends.
select
    set_config('tablegate.load_id', :load_id, true),
    set_config('tablegate.accepted_at', :accepted_at, true),
    set_config('tablegate.sender', :sender, true),
    pg_advisory_xact_lock_shared({restore_lock_key})
