-- Record views as they are now, given as a JSON list of their names and the MD5s of their files.
merge into `warehouse.applied_views` as applied
using (
  select
    json_value(entry, '$.view_name') as view_name,
    json_value(entry, '$.text_md5') as text_md5,
    to_hex(md5(views.view_definition)) as definition_md5
  from unnest(json_query_array(@entries)) as entry
  inner join `reporting.INFORMATION_SCHEMA.VIEWS` as views
    on views.table_name = json_value(entry, '$.view_name')
) as found
on applied.view_name = found.view_name
when matched then
  update set text_md5 = found.text_md5, definition_md5 = found.definition_md5
when not matched then
  insert (view_name, text_md5, definition_md5)
  values (found.view_name, found.text_md5, found.definition_md5)
