-- Users who were erased, by the number that only old backups still know: a restore erases them again. The hash is that of
-- erased_users.

create table private.erasures (
  user_id bigint primary key,
  user_hash bytea,
  erased_at timestamptz not null default private.clock()
);

create index erasures_erased_at on private.erasures (erased_at);

comment on table private.erasures is 'Erased users, whom a restored backup must not bring back';
alter table private.erasures enable row level security;
revoke all on table private.erasures from public, anon, authenticated, service_role;
