-- Whether there is a finished load that the warehouse has not seen as it is now.
select exists (select from loads where synced_at is null and state in ('done', 'failed'))
