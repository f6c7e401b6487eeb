-- Sessions of the console: one row per device on which a user is logged in. The token is known to the browser only.

create table public.user_sessions (
  id bigint generated always as identity primary key,
  token_hash bytea not null unique check (length(token_hash) = 32),
  user_id bigint not null references public.users (id) on delete cascade,
  way text not null check (way in ('bot', 'telegram', 'mini_app', 'widget')),
  device text not null check (length(device) <= 80),
  created_at timestamptz not null default private.clock(),
  last_seen_at timestamptz not null default private.clock(),
  expires_at timestamptz not null,
  ends_at timestamptz not null,
  exported_at timestamptz,
  check (expires_at <= ends_at)
);

create index user_sessions_user_idx on public.user_sessions (user_id);
-- The sweep deletes expired sessions.
create index user_sessions_expires_at_idx on public.user_sessions (expires_at);

comment on table public.user_sessions is 'Sessions of the console, one per device';
comment on column public.user_sessions.token_hash is 'SHA-256 of the token in the browser''s cookie, or of the Mini App''s bearer token';
comment on column public.user_sessions.way is 'How the user logged in: through the bot, with "Log in with Telegram", as a Mini App, with the older widget';
comment on column public.user_sessions.device is 'Browser and system, as the device list shows them';
comment on column public.user_sessions.last_seen_at is 'Time of the last page, accurate to five minutes';
comment on column public.user_sessions.expires_at is 'End of the session if the user opens no other page';
comment on column public.user_sessions.ends_at is 'End of the session in any case';
comment on column public.user_sessions.exported_at is 'Time of the last download of all data';
alter table public.user_sessions enable row level security;
revoke all on table public.user_sessions from public, anon, authenticated, service_role;
revoke all on sequence public.user_sessions_id_seq from public, anon, authenticated, service_role;
