-- migrate:up
-- Who is connected to which instance: what users.is_online is made from.

create table user_connections (
    user_id uuid not null references users (id) on delete cascade,
    instance_id varchar(32) not null,
    primary key (user_id, instance_id)
);
comment on table user_connections is
    'People with a connection, by instance. The rows of a dead instance are removed by the living.';

-- The people of an instance in order, and which instances there are.
create index user_connections_instance_id_idx on user_connections (instance_id, user_id);

-- migrate:down
drop table user_connections;
