-- Alarms for admins who have not started a bot yet: Telegram lets a bot write to a user only after the user's first message.
-- Without any admin, an alarm waits for the first one.

create table private.waiting_alarms (
  id bigint generated always as identity primary key,
  email text references public.admins (email) on update cascade on delete cascade,
  bot text,
  key text not null,
  values jsonb not null,
  buttons jsonb,
  created_at timestamptz not null default private.clock()
);

create index waiting_alarms_email_idx on private.waiting_alarms (email);
-- Counts the alarms of an admin that were not stored because too many wait.
create unique index waiting_alarms_more_idx on private.waiting_alarms (coalesce(email, '')) where key = 'admin_alarms_more';

comment on table private.waiting_alarms is 'Alarms for admins who have not written to a bot yet';
comment on column private.waiting_alarms.email is 'Whose alarm it is; null: for the first admin who starts a bot';
comment on column private.waiting_alarms.bot is 'The bot that the alarm is about; it is delivered there if the admin writes to that bot';
alter table private.waiting_alarms enable row level security;
revoke all on table private.waiting_alarms from public, anon, authenticated, service_role;
revoke all on sequence private.waiting_alarms_id_seq from public, anon, authenticated, service_role;
