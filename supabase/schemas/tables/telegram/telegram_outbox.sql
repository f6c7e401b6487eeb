-- Transactional outbox of Bot API calls: enqueued in the transaction of the change that they report, deleted once Telegram has
-- accepted them.

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
-- Outgoing calls to one chat: the data export and the erasure read them.
create index telegram_outbox_chat_idx on public.telegram_outbox (chat_id);

comment on table public.telegram_outbox is 'Transactional outbox of Bot API calls';
comment on column public.telegram_outbox.update_id is 'Update that it answers; null: a message that no update caused';
comment on column public.telegram_outbox.send_after is 'Earliest delivery time; a worker moves it ahead before it sends (a lease), so that no two workers send the same call';
alter table public.telegram_outbox enable row level security;
revoke all on table public.telegram_outbox from public, anon, authenticated, service_role;
revoke all on sequence public.telegram_outbox_id_seq from public, anon, authenticated, service_role;
