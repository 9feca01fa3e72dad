-- Insert all staged rows. For append-only tables.
insert into {target}
    ({fields}, {own_columns}, position)
select
    {fields},
    {own_values},
    position
from {staging}
order by position
