-- Count the loads of each day in UTC, with the checksum of ledger/loads_by_day.sql.
select
  day,
  count(*) as row_count,
  sum(cast(concat('0x', substr(entry_md5, 1, 8)) as int64)) as first,
  sum(cast(concat('0x', substr(entry_md5, 9, 8)) as int64)) as second
from (
  select
    format_date('%Y-%m-%d', date(finished_at)) as day,
    to_hex(md5(
      load_id
      || '|' || source
      || '|' || kind
      || '|' || ifnull(sender, 'null')
      || '|' || ifnull(table_name, 'null')
      || '|' || state
      || '|' || cast(rows_read as string)
      || '|' || cast(inserted as string)
      || '|' || cast(updated as string)
      || '|' || cast(unchanged as string)
      || '|' || cast(superseded as string)
      || '|' || cast(waiting as string)
      || '|' || cast(rejected as string)
      || '|' || ifnull(cast(deleted as string), 'null')
      || '|' || ifnull(error_code, 'null')
      || '|' || cast(unix_micros(accepted_at) as string)
      || '|' || cast(unix_micros(started_at) as string)
      || '|' || cast(unix_micros(finished_at) as string)
    )) as entry_md5
  from `warehouse.loads`
) as hashed
group by day
