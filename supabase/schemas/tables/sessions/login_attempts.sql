-- Logins that a browser has begun: through the bot, where the user confirms in the chat, and with "Log in with Telegram", where
-- Telegram sends the browser back. Two secrets belong to each: one that travels, in the link or as `state`, and one that stays in
-- the cookie of the browser. Of both only hashes are here.

create table public.login_attempts (
  public_hash bytea primary key check (length(public_hash) = 32),
  browser_hash bytea not null unique check (length(browser_hash) = 32),
  way text not null check (way in ('bot', 'telegram')),
  code smallint check (code between 10 and 99),
  verifier text,
  return_to text not null check (length(return_to) <= 500),
  device text not null check (length(device) <= 80),
  address_hash bytea not null,
  user_id bigint references public.users (id) on delete cascade,
  decided_at timestamptz,
  is_confirmed boolean,
  session_hash bytea,
  created_at timestamptz not null default private.clock(),
  expires_at timestamptz not null,
  check ((way = 'bot') = (code is not null)),
  check ((decided_at is null) = (is_confirmed is null)),
  check (not is_confirmed or user_id is not null)
);

create index login_attempts_address_idx on public.login_attempts (address_hash, created_at);
create index login_attempts_user_idx on public.login_attempts (user_id);
create index login_attempts_created_at_idx on public.login_attempts (created_at);

comment on table public.login_attempts is 'Logins that a browser has begun';
comment on column public.login_attempts.public_hash is 'SHA-256 of the token in the link to the bot, or of the parameter state';
comment on column public.login_attempts.browser_hash is 'SHA-256 of the secret in the cookie of the browser';
comment on column public.login_attempts.code is 'Number that the page shows and the user chooses in the chat; null with way telegram';
comment on column public.login_attempts.verifier is 'PKCE code verifier (RFC 7636) of way telegram';
comment on column public.login_attempts.return_to is 'Path of the page that the user wanted';
comment on column public.login_attempts.address_hash is 'Keyed hash of the network address, which limits attempts';
comment on column public.login_attempts.decided_at is 'When the user chose in the chat; a wrong number is a refusal';
comment on column public.login_attempts.session_hash is 'The session that this login opened; one login opens one session';
alter table public.login_attempts enable row level security;
revoke all on table public.login_attempts from public, anon, authenticated, service_role;
