-- Count open rejects by table and reason, the most frequent first.
select table_name, status, reason, count(*) as found
from rejected_rows
where status in ('rejected', 'waiting')
group by table_name, status, reason
order by found desc, table_name, reason
limit 200
