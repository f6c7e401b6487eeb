-- Calls to the Bot API that are owed: stored with the change they tell of, gone once Telegram took them.

create table public.telegram_outbox (
  id bigint generated always as identity primary key,
  bot text not null,
  chat_id bigint not null,
  update_id bigint,
  method text not null,
  parameters jsonb not null,
  attempts integer not null default 0,
  send_after timestamptz not null,
  error text,
  created_at timestamptz not null default private.clock()
);

create index telegram_outbox_send_after_idx on public.telegram_outbox (send_after);
create index telegram_outbox_update_idx on public.telegram_outbox (bot, update_id);
-- All that goes to a person.
create index telegram_outbox_chat_idx on public.telegram_outbox (chat_id);

comment on table public.telegram_outbox is 'Calls to the Bot API that are owed';
comment on column public.telegram_outbox.update_id is 'The update it answers; null for a notice of our own';
comment on column public.telegram_outbox.send_after is 'Not before; whoever sends moves it ahead first, so two never send the same';
alter table public.telegram_outbox enable row level security;
revoke all on table public.telegram_outbox from public, anon, authenticated, service_role;
revoke all on sequence public.telegram_outbox_id_seq from public, anon, authenticated, service_role;
