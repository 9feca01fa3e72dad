-- lock
-- Lock the table, its parents and its children, in the order in which loads lock them too.
lock table public."departments", public."jobs", public."hired_employees"
in access exclusive mode;

-- drop_key
-- Drop a foreign key, as `constraints` describes it.
alter table hired_employees
drop constraint "hired_employees_job_id_fkey";

-- add_key
-- Create a foreign key again, as `constraints` describes it.
alter table hired_employees
add constraint "hired_employees_job_id_fkey" FOREIGN KEY (job_id) REFERENCES jobs(id);
