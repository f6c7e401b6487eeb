-- How fast broadcasts go out through a bot, over all runs of the job.

create table private.broadcast_pace (
  bot text primary key,
  next_at timestamptz not null default private.clock(),
  paused_until timestamptz
);

comment on table private.broadcast_pace is 'How fast broadcasts go out through a bot, over all runs of the job';
comment on column private.broadcast_pace.next_at is 'When the next batch may go out';
comment on column private.broadcast_pace.paused_until is 'Until when Telegram asked to wait (429), or after its errors; null: no pause';
alter table private.broadcast_pace enable row level security;
revoke all on table private.broadcast_pace from public, anon, authenticated, service_role;
