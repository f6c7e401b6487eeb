-- Balances.

-- Keeps what was written once as it was written. Only letting go of an erased person is allowed.
--
-- Twice or at once: changes nothing itself.
-- Returns: the row, when its user_id became null and nothing else changed.
-- Errors: T0001, the row cannot be changed.
create or replace function private.refuse_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE'
    and (to_jsonb(old) ->> 'user_id') is not null
    and to_jsonb(new) = jsonb_set(to_jsonb(old), '{user_id}', 'null')
  then
    return new;
  end if;
  raise exception '% is written once', tg_table_name using errcode = 'T0001';
end
$$;

revoke all on function private.refuse_change from public, anon, authenticated;
comment on function private.refuse_change is 'Keeps what was written once as it was written';

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

-- Adds to a person's balance, or takes from it, once per reference. For our own code and, through rpc with the
-- secret key, for every other service of the same owner.
--
-- Twice or at once: the person's row is locked, and the reference is unique. A known reference changes nothing
--   and is answered with what it did then; two calls with a new one meet in the lock.
-- Returns: jsonb {balance, applied, transaction_id}; applied is false for a reference that is known already.
--   balance is text with two decimals, as it is now.
-- Errors: L0001 no such person; L0002 the balance would fall below zero; L0003 the reference is known with
--   another amount or person; L0004 the amount, reason or reference is unusable.
create or replace function public.adjust_balance(
  p_telegram_id bigint, p_amount numeric, p_reason text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
  v_known public.balance_transactions;
  v_id bigint;
begin
  if p_amount is null or p_amount = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) >= 10000000000 then
    raise exception 'the amount must have at most two decimals and not be zero' using errcode = 'L0004';
  elsif coalesce(p_reason, '') = '' or coalesce(p_reference, '') not like '_%:_%' then
    raise exception 'a reason, and a reference such as "service:number", are needed' using errcode = 'L0004';
  end if;

  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    raise exception 'nobody has this Telegram id' using errcode = 'L0001';
  end if;
  select t.* into v_known from public.balance_transactions as t where t.reference = p_reference;
  if found then
    if v_known.user_id is distinct from v_user.id or v_known.amount <> p_amount then
      raise exception 'this reference is known with another amount or person' using errcode = 'L0003';
    end if;
    return jsonb_build_object(
      'balance', v_user.balance::text, 'applied', false, 'transaction_id', v_known.id
    );
  elsif v_user.balance + p_amount < 0 then
    raise exception 'the balance would fall below zero' using errcode = 'L0002';
  end if;

  begin
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, p_amount, v_user.balance + p_amount, p_reason, p_reference)
    returning id into v_id;
  exception when unique_violation then
    -- Another person's call with the same reference came first.
    raise exception 'this reference is known with another amount or person' using errcode = 'L0003';
  end;
  update public.users as u set balance = u.balance + p_amount where u.id = v_user.id
  returning u.* into v_user;
  return jsonb_build_object('balance', v_user.balance::text, 'applied', true, 'transaction_id', v_id);
end
$$;

revoke all on function public.adjust_balance from public, anon, authenticated;
grant execute on function public.adjust_balance to bot_backend, service_role;
comment on function public.adjust_balance is 'Changes a person''s balance, once per reference';

-- Proves that every balance is the sum of its ledger. Reads everything: for a nightly job or an admin.
--
-- Twice or at once: only reads, all of it at one moment.
-- Returns: jsonb array of {user_id, balance, ledger} for everyone of whom it is not true; empty is good.
-- Errors: none of its own.
create or replace function public.check_balances()
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object('user_id', u.id, 'balance', u.balance::text, 'ledger', coalesce(l.total, 0)::text)
      order by u.id
    ),
    '[]'::jsonb
  )
  from public.users as u
  left join (
    select t.user_id, sum(t.amount) as total
      from public.balance_transactions as t
     group by t.user_id
  ) as l on l.user_id = u.id
  where u.balance <> coalesce(l.total, 0);
$$;

revoke all on function public.check_balances from public, anon, authenticated;
grant execute on function public.check_balances to bot_backend, service_role;
comment on function public.check_balances is 'Everyone whose balance is not the sum of the ledger';
