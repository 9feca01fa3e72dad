-- select
select "id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id"
from public."hired_employees"
order by "id"
limit :most;

-- select
-- , all limits
select "id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id"
from public."hired_employees"
where ("id") > (cast(:after_0 as bigint))
    and ("id") >= (cast(:first_0 as bigint))
    and ("id") <= (cast(:last_0 as bigint))
    and "accepted_at" >= cast(:since as timestamptz)
order by "id"
limit :most;
