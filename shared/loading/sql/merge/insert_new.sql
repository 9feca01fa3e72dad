-- Insert the staged rows, except those whose key another load has inserted meanwhile.
insert into {target}
    ({fields}, accepted_at, load_id)
select
    {fields},
    {accepted_at},
    {load_id}
from {staging}
order by {key}
on conflict ({key}) do nothing
