-- Add the count of what a restore deleted to a table of before; its entries have it in `superseded`.
alter table `warehouse.loads`
add column if not exists deleted int64 options (description = 'Rows that a restore deleted')
