-- Insert the staged rows, except those whose key another load has inserted meanwhile.
insert into {target}
    ({fields}, {own_columns})
select
    {fields},
    {own_values}
from {staging}
order by {key}
on conflict ({key}) do nothing
