-- Select the state of a load.
select
    table_name, state, rows_read, inserted, updated, unchanged, superseded, waiting, rejected,
    deleted, error
from loads
where load_id = cast(:load_id as uuid)
