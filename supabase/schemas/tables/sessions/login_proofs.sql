-- Signed data of Telegram with which users logged in. Kept until it is too old to be accepted, so that it works once.

create table public.login_proofs (
  proof_hash bytea primary key check (length(proof_hash) = 32),
  session_hash bytea not null,
  expires_at timestamptz not null
);

create index login_proofs_expires_at_idx on public.login_proofs (expires_at);

comment on table public.login_proofs is 'Signed data of Telegram that has been used to log in';
comment on column public.login_proofs.proof_hash is 'SHA-256 of the signature';
comment on column public.login_proofs.session_hash is 'The session that it opened';
alter table public.login_proofs enable row level security;
revoke all on table public.login_proofs from public, anon, authenticated, service_role;
