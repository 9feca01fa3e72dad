-- Select the tables and statuses of rejects, by their ids; of one that is kept cut, how much is.
select
    reject_id, table_name, status,
    jsonb_path_query_first(errors, '$[*] ? (@.code == "row_cut").facts') as cut
from rejected_rows
where reject_id = any(cast(:ids as bigint[]))
