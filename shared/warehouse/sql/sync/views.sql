-- Select the views that there are, and as what each was applied.
select
  views.table_name as view_name,
  to_hex(md5(views.view_definition)) as definition_md5,
  applied.text_md5 as applied_text_md5,
  applied.definition_md5 as applied_definition_md5
from `reporting.INFORMATION_SCHEMA.VIEWS` as views
left join `warehouse.applied_views` as applied on applied.view_name = views.table_name
