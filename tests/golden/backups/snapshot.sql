-- lock
-- Lock tables against statements that rewrite or empty them.
lock table public."departments", public."jobs", public."hired_employees"
in access share mode;

-- count
-- Count the rows of a table.
select count(*)
from public."hired_employees";
