-- Append-only log of what admins and staff changed, read and exported, kept without a time limit.

create table public.audit_log (
  id bigint generated always as identity primary key,
  admin_email text not null,
  action text not null,
  user_id bigint references public.users (id) on delete set null,
  reference text unique,
  before jsonb not null,
  after jsonb not null,
  created_at timestamptz not null default private.clock()
);

create index audit_log_user_idx on public.audit_log (user_id, id);
create index audit_log_account_idx on public.audit_log (admin_email, id);
create index audit_log_reading_idx on public.audit_log (private.is_reading(action), id);
-- Each action can be undone at most once (admin_undo).
create unique index audit_log_undoes_idx on public.audit_log (((after ->> 'undoes')::bigint)) where action = 'undo';

create trigger audit_log_immutable
before update or delete on public.audit_log
for each row execute function private.refuse_change();

comment on table public.audit_log is 'Append-only log of admin actions';
comment on column public.audit_log.admin_email is 'Account that acted: an e-mail address, or user:<id> of staff without one (private.account_name)';
comment on column public.audit_log.reference is 'Idempotency key from the caller';
alter table public.audit_log enable row level security;
revoke all on table public.audit_log from public, anon, authenticated, service_role;
revoke all on sequence public.audit_log_id_seq from public, anon, authenticated, service_role;
