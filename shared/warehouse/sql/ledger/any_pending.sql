-- Find out whether any finished load is pending: not synced since it last changed.
select exists (select from loads where synced_at is null and state in ('done', 'failed'))
