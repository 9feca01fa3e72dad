-- name: save_topic
insert into topics (name, config)
values (?, ?)
on conflict (name) do update set config = excluded.config

-- name: delete_topic
delete from topics
where name = ?

-- name: save_subscription
insert into subscriptions (number, name, config)
values (?, ?, ?)
on conflict (number) do update set config = excluded.config

-- name: delete_subscription
delete from subscriptions
where number = ?

-- name: delete_deliveries_of_subscription
delete from deliveries
where subscription = ?

-- name: insert_message
insert into messages (id, published_ms, size_bytes, body)
values (?, ?, ?, ?)

-- name: delete_message
delete from messages
where id = ?

-- name: insert_delivery
insert into deliveries (subscription, message)
values (?, ?)

-- name: record_failure
update deliveries
set failures = ?, not_before_ms = ?
where subscription = ? and message = ?

-- name: delete_delivery
delete from deliveries
where subscription = ? and message = ?

-- name: all_topics
select name, config
from topics

-- name: all_subscriptions
select number, name, config
from subscriptions

-- name: all_messages
select id, published_ms, size_bytes
from messages

-- name: all_deliveries
select subscription, message, failures, not_before_ms
from deliveries
order by subscription, message

-- name: delete_dangling_deliveries
delete from deliveries
where subscription not in (select number from subscriptions)
or message not in (select id from messages)

-- name: delete_unreferenced_messages
delete from messages
where id not in (select message from deliveries)

-- name: read_body
select body
from messages
where id = ?

-- name: highest_numbers
select name, seq
from sqlite_sequence
