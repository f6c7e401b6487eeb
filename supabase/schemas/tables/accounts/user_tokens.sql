-- User API keys (BYOK) of AI providers. The functions encrypt them before they are stored (shared/ai/user_keys); the database
-- never receives a plaintext key and holds no key that decrypts one.

create table public.user_tokens (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{0,31}$'),
  ciphertext bytea not null,
  key_id text not null check (key_id <> ''),
  last_four text not null check (length(last_four) = 4),
  is_active boolean not null default false,
  status text not null default 'ok' check (status in ('ok', 'refused')),
  created_at timestamptz not null default private.clock(),
  checked_at timestamptz,
  unique (user_id, provider),
  check (status = 'ok' or not is_active)
);

-- Read with every AI request. Unique, so that a user's requests go to one provider only.
create unique index user_tokens_active_idx on public.user_tokens (user_id) where is_active;

comment on table public.user_tokens is 'Encrypted user API keys of AI providers';
comment on column public.user_tokens.ciphertext is 'AES-256-GCM; the Telegram id and the provider are authenticated with it';
comment on column public.user_tokens.key_id is 'Which of TOKEN_ENCRYPTION_KEYS decrypts it';
comment on column public.user_tokens.last_four is 'Last four characters of the key, the only ones ever shown';
comment on column public.user_tokens.is_active is 'The user''s requests use this key instead of the plan; at most one per user';
comment on column public.user_tokens.status is 'refused: the provider rejected the key';
comment on column public.user_tokens.checked_at is 'When the provider last accepted it; null: not checked yet';
alter table public.user_tokens enable row level security;
revoke all on table public.user_tokens from public, anon, authenticated, service_role;
revoke all on sequence public.user_tokens_id_seq from public, anon, authenticated, service_role;
