-- Append-only ledger of users.balance: the balance is the sum of the user's rows (check_balances).

create table public.balance_transactions (
  id bigint generated always as identity primary key,
  -- Null after an erasure: accounting keeps the row without the user.
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

comment on table public.balance_transactions is 'Append-only ledger of user balances';
comment on column public.balance_transactions.amount is 'Change of the balance in the currency of the setting balance_currency; negative: a debit';
comment on column public.balance_transactions.reference is 'Idempotency key: service and its own number, for example payments:4711';
alter table public.balance_transactions enable row level security;
revoke all on table public.balance_transactions from public, anon, authenticated, service_role;
revoke all on sequence public.balance_transactions_id_seq from public, anon, authenticated, service_role;
