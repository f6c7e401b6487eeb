-- Admins' chats (settings alarms_chat and purchases_chat) in which a bot could not write. Their messages go to the admins' private
-- chats until an admin sends /here in that chat, or the setting names another one.

create table private.unreachable_chats (
  address text primary key,
  error text not null,
  created_at timestamptz not null default private.clock()
);

comment on table private.unreachable_chats is 'Admins'' chats in which a bot could not write';
comment on column private.unreachable_chats.address is 'bot:chat or bot:chat:topic, as the settings name it';
comment on column private.unreachable_chats.error is 'Why Telegram refused the message';
alter table private.unreachable_chats enable row level security;
revoke all on table private.unreachable_chats from public, anon, authenticated, service_role;
