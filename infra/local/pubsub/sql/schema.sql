-- Topics and subscriptions are kept as the protobuf messages that clients see.
create table topics (
    name text primary key,
    config blob not null
) without rowid;

create table subscriptions (
    number integer primary key autoincrement,
    name text not null unique,
    config blob not null
);

-- A message lives as long as one delivery of it is outstanding.
create table messages (
    id integer primary key autoincrement,
    published_ms integer not null,
    size_bytes integer not null,
    body blob not null
);

-- One row for each subscription that has yet to acknowledge the message.
create table deliveries (
    subscription integer not null,
    message integer not null,
    failures integer not null default 0,
    not_before_ms integer not null default 0,
    primary key (subscription, message)
) without rowid;
