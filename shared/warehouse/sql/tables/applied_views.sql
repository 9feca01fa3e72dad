-- The views as they were applied: reconciling tells from it whether somebody has changed one.
create table if not exists `warehouse.applied_views` (
  view_name string not null options (description = 'A view for reports'),
  text_md5 string not null options (description = 'Of the file that it was made from'),
  definition_md5 string not null options (description = 'Of its definition, as BigQuery had it then')
)
options (description = 'The views as they were applied')
