-- buckets in PostgreSQL
-- Select each bucket's count and checksum; `within` limits it to buckets of that length.
select
    bucket,
    count(*) as row_count,
    sum(cast(cast('x' || substr(row_md5, 1, 8) as bit(32)) as bigint)) as first,
    sum(cast(cast('x' || substr(row_md5, 9, 8) as bit(32)) as bigint)) as second
from (
    select
        substr(md5(cast("id" as text)), 1, 2) as bucket,
        md5(cast("id" as text)
        || '|' || md5(cast("name" as text))
        || '|' || cast(cast(extract(epoch from "datetime") * 1000000 as bigint) as text)
        || '|' || cast("department_id" as text)
        || '|' || cast("job_id" as text)
        || '|' || cast(cast(extract(epoch from "accepted_at") * 1000000 as bigint) as text)
        || '|' || md5(cast("load_id" as text))
        || '|' || cast(cast("datetime" at time zone 'UTC' as date) - date '1970-01-01' as text)) as row_md5
    from public."hired_employees"
) as hashed
group by bucket;

-- buckets within buckets in PostgreSQL
select
    bucket,
    count(*) as row_count,
    sum(cast(cast('x' || substr(row_md5, 1, 8) as bit(32)) as bigint)) as first,
    sum(cast(cast('x' || substr(row_md5, 9, 8) as bit(32)) as bigint)) as second
from (
    select
        substr(md5(cast("id" as text)), 1, 4) as bucket,
        md5(cast("id" as text)
        || '|' || md5(cast("name" as text))
        || '|' || cast(cast(extract(epoch from "datetime") * 1000000 as bigint) as text)
        || '|' || cast("department_id" as text)
        || '|' || cast("job_id" as text)
        || '|' || cast(cast(extract(epoch from "accepted_at") * 1000000 as bigint) as text)
        || '|' || md5(cast("load_id" as text))
        || '|' || cast(cast("datetime" at time zone 'UTC' as date) - date '1970-01-01' as text)) as row_md5
    from public."hired_employees"
    where substr(md5(cast("id" as text)), 1, 2) = any(cast(:buckets as text[]))
) as hashed
group by bucket;

-- rows in PostgreSQL
-- Select key and columns, in their common form, of the rows in some buckets.
select
    "id" as key_0,
    cast("id" as text)
    || '|' || md5(cast("name" as text))
    || '|' || cast(cast(extract(epoch from "datetime") * 1000000 as bigint) as text)
    || '|' || cast("department_id" as text)
    || '|' || cast("job_id" as text)
    || '|' || cast(cast(extract(epoch from "accepted_at") * 1000000 as bigint) as text)
    || '|' || md5(cast("load_id" as text))
    || '|' || cast(cast("datetime" at time zone 'UTC' as date) - date '1970-01-01' as text) as cells
from public."hired_employees"
where substr(md5(cast("id" as text)), 1, 2) = any(cast(:buckets as text[]));

-- buckets in BigQuery
-- Select each bucket's count and checksum; `within` limits it to buckets of that length.
select
    bucket,
    count(*) as row_count,
    sum(cast(concat('0x', substr(row_md5, 1, 8)) as int64)) as first,
    sum(cast(concat('0x', substr(row_md5, 9, 8)) as int64)) as second
from (
    select
        substr(to_hex(md5(ifnull(cast(`id` as string), 'null'))), 1, 2) as bucket,
        to_hex(md5(ifnull(cast(`id` as string), 'null')
        || '|' || ifnull(to_hex(md5(`name`)), 'null')
        || '|' || ifnull(cast(unix_micros(`hired_at`) as string), 'null')
        || '|' || ifnull(cast(`department_id` as string), 'null')
        || '|' || ifnull(cast(`job_id` as string), 'null')
        || '|' || ifnull(cast(unix_micros(`accepted_at`) as string), 'null')
        || '|' || ifnull(to_hex(md5(`load_id`)), 'null')
        || '|' || ifnull(cast(unix_date(`hired_on`) as string), 'null'))) as row_md5
    from `project.warehouse.fact_hires`
) as hashed
group by bucket;

-- buckets within buckets in BigQuery
select
    bucket,
    count(*) as row_count,
    sum(cast(concat('0x', substr(row_md5, 1, 8)) as int64)) as first,
    sum(cast(concat('0x', substr(row_md5, 9, 8)) as int64)) as second
from (
    select
        substr(to_hex(md5(ifnull(cast(`id` as string), 'null'))), 1, 4) as bucket,
        to_hex(md5(ifnull(cast(`id` as string), 'null')
        || '|' || ifnull(to_hex(md5(`name`)), 'null')
        || '|' || ifnull(cast(unix_micros(`hired_at`) as string), 'null')
        || '|' || ifnull(cast(`department_id` as string), 'null')
        || '|' || ifnull(cast(`job_id` as string), 'null')
        || '|' || ifnull(cast(unix_micros(`accepted_at`) as string), 'null')
        || '|' || ifnull(to_hex(md5(`load_id`)), 'null')
        || '|' || ifnull(cast(unix_date(`hired_on`) as string), 'null'))) as row_md5
    from `project.warehouse.fact_hires`
    where substr(to_hex(md5(ifnull(cast(`id` as string), 'null'))), 1, 2) in unnest(@buckets)
) as hashed
group by bucket;

-- rows in BigQuery
-- Select key and columns, in their common form, of the rows in some buckets.
select
    `id` as key_0,
    ifnull(cast(`id` as string), 'null')
    || '|' || ifnull(to_hex(md5(`name`)), 'null')
    || '|' || ifnull(cast(unix_micros(`hired_at`) as string), 'null')
    || '|' || ifnull(cast(`department_id` as string), 'null')
    || '|' || ifnull(cast(`job_id` as string), 'null')
    || '|' || ifnull(cast(unix_micros(`accepted_at`) as string), 'null')
    || '|' || ifnull(to_hex(md5(`load_id`)), 'null')
    || '|' || ifnull(cast(unix_date(`hired_on`) as string), 'null') as cells
from `project.warehouse.fact_hires`
where substr(to_hex(md5(ifnull(cast(`id` as string), 'null'))), 1, 2) in unnest(@buckets);
