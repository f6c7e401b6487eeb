-- How fast the jobs of a bot send: broadcasts, reminders, the quiz and courses share one rate. Answers to users are not in it.

create table private.bot_pace (
  bot text primary key,
  next_at timestamptz not null default private.clock(),
  paused_until timestamptz
);

comment on table private.bot_pace is 'How fast the jobs of a bot send, all together';
comment on column private.bot_pace.next_at is 'When the next batch may go out';
comment on column private.bot_pace.paused_until is 'Until when Telegram asked to wait (429), or after its errors; null: no pause';
alter table private.bot_pace enable row level security;
revoke all on table private.bot_pace from public, anon, authenticated, service_role;
