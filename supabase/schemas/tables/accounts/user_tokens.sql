-- People's own keys of AI providers, encrypted by the functions before they get here (shared/keys). The database
-- never sees one in clear, and holds nothing that could open one.

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

-- Asked for with every message that goes to the AI; and nobody's requests go to two providers.
create unique index user_tokens_active_idx on public.user_tokens (user_id) where is_active;

comment on table public.user_tokens is 'People''s own keys of AI providers, encrypted';
comment on column public.user_tokens.ciphertext is 'AES-256-GCM, bound to the person''s Telegram id and the provider';
comment on column public.user_tokens.key_id is 'Which of TOKEN_ENCRYPTION_KEYS opens it';
comment on column public.user_tokens.last_four is 'The only characters of the key that are ever shown';
comment on column public.user_tokens.is_active is 'The person''s requests use this one, and not the plan; one a person at most';
comment on column public.user_tokens.status is 'refused once the provider would not take it any more';
comment on column public.user_tokens.checked_at is 'When the provider last took it; null if it could not be asked yet';
alter table public.user_tokens enable row level security;
revoke all on table public.user_tokens from public, anon, authenticated, service_role;
revoke all on sequence public.user_tokens_id_seq from public, anon, authenticated, service_role;
