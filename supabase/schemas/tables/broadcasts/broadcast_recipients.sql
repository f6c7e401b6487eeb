-- Recipients of broadcasts, frozen when a broadcast starts.
--
-- queued ⇄ sending ─▶ sent ─▶ deleting ─▶ deleted
--    │        ├─▶ failed, blocked
--    │        └─▶ unknown   the lease has passed, or the answer was lost: never sent again
--    └─▶ skipped

create table public.broadcast_recipients (
  broadcast_id bigint not null references public.broadcasts (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  status text not null default 'queued' check (
    status in ('queued', 'sending', 'sent', 'failed', 'blocked', 'unknown', 'skipped', 'deleting', 'deleted')
  ),
  send_after timestamptz not null,
  lease_until timestamptz,
  error text,
  message_id bigint,
  sent_at timestamptz,
  clicked_at timestamptz,
  bought_at timestamptz,
  primary key (broadcast_id, user_id)
);

create index broadcast_recipients_user_idx on public.broadcast_recipients (user_id);
create index broadcast_recipients_queue_idx on public.broadcast_recipients (broadcast_id, bot, send_after)
where status = 'queued';
create index broadcast_recipients_lease_idx on public.broadcast_recipients (broadcast_id, lease_until)
where status in ('sending', 'deleting');

comment on table public.broadcast_recipients is 'Recipients of broadcasts, frozen when a broadcast starts';
comment on column public.broadcast_recipients.send_after is 'Earliest time, outside the quiet hours of the user''s time zone';
comment on column public.broadcast_recipients.error is 'Why it failed or was skipped';
comment on column public.broadcast_recipients.bought_at is 'First payment within broadcast_purchase_days of the message';
alter table public.broadcast_recipients enable row level security;
revoke all on table public.broadcast_recipients from public, anon, authenticated, service_role;
