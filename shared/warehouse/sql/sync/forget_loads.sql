-- Delete the loads of some days in UTC; they are recorded anew.
delete from `warehouse.loads`
where format_date('%Y-%m-%d', date(finished_at)) in unnest(@days)
