-- Create two temporary tables, unless the connection has them: the staged rows, and the stored rows
-- with the same keys next to the rows staged for them.
create temporary table if not exists {staging} (
    position bigint,
    {staging_columns}
) on commit delete rows;
create temporary table if not exists {known} (
    {known_columns},
    same boolean,
    newer boolean,
    position bigint
) on commit delete rows
