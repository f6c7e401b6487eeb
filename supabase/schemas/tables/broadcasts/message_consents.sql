-- Whether a user takes marketing messages, and when the last ones were sent. No row: takes them, and has had none.

create table public.message_consents (
  user_id bigint primary key references public.users (id) on delete cascade,
  unsubscribed_at timestamptz,
  last_marketing_at timestamptz,
  last_marketing_by bigint references public.broadcasts (id) on delete set null,
  last_contact_at timestamptz
);

create index message_consents_broadcast_idx on public.message_consents (last_marketing_by);

comment on table public.message_consents is 'Whether a user takes marketing messages, and when the last ones were sent';
comment on column public.message_consents.unsubscribed_at is 'When the user refused marketing messages (/unsubscribe); null: takes them';
comment on column public.message_consents.last_marketing_at is 'When the last marketing message was claimed for sending';
comment on column public.message_consents.last_marketing_by is 'The broadcast of that message';
comment on column public.message_consents.last_contact_at is 'When the last broadcast of any kind was sent';
alter table public.message_consents enable row level security;
revoke all on table public.message_consents from public, anon, authenticated, service_role;
