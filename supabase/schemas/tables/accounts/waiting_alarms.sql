-- Alarms for admins who have not started a bot yet: Telegram lets a bot write to a user only after the user's first message.
-- While there is no admin, alarms are stored for the first admin who starts a bot.

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

comment on table private.waiting_alarms is 'Alarms that are stored until their admin starts a bot';
comment on column private.waiting_alarms.email is 'Recipient; null: the first admin who starts a bot';
comment on column private.waiting_alarms.bot is 'Bot that the alarm is about; preferred for delivery if the admin has started it';
alter table private.waiting_alarms enable row level security;
revoke all on table private.waiting_alarms from public, anon, authenticated, service_role;
revoke all on sequence private.waiting_alarms_id_seq from public, anon, authenticated, service_role;
