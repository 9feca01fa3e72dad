-- Find out whether rows of the same bytes are stored, or wait. For append-only tables.
select exists (
    select from loads as earlier
    where content = :content and table_name = {table_name} and kind = 'file'
        and load_id <> cast(:load_id as uuid)
        and (
            exists (
                select from {target} as stored
                where stored.load_id = earlier.load_id
            )
            or exists (
                select from rejected_rows as waiting
                where waiting.load_id = earlier.load_id and waiting.status = 'waiting'
            )
        )
)
