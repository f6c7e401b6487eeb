-- The ledger of balances: every change of users.balance, for ever. The balance is its sum.

create table public.balance_transactions (
  id bigint generated always as identity primary key,
  -- Not erased with the person: accounting needs the sum. It then belongs to nobody.
  user_id bigint references public.users (id) on delete set null,
  amount numeric(12, 2) not null check (amount <> 0),
  balance_after numeric(12, 2) not null check (balance_after >= 0),
  reason text not null check (reason <> ''),
  reference text not null unique check (reference like '_%:_%'),
  created_at timestamptz not null default private.clock()
);

create index balance_transactions_user_idx on public.balance_transactions (user_id, id);

create trigger balance_transactions_immutable
before update or delete on public.balance_transactions
for each row execute function private.refuse_change();

comment on table public.balance_transactions is 'The ledger of balances: every change, for ever';
comment on column public.balance_transactions.amount is 'In the unit of the setting balance_currency; below zero takes';
comment on column public.balance_transactions.reference is 'Service and its own number, "payments:4711": the same one counts once';
alter table public.balance_transactions enable row level security;
revoke all on table public.balance_transactions from public, anon, authenticated, service_role;
revoke all on sequence public.balance_transactions_id_seq from public, anon, authenticated, service_role;
