-- Refunds are asked for.

-- Made anew below, in this transaction: only other functions call it.
-- squawk-ignore ban-drop-function
drop function private.tell_person(p_user_id bigint, p_bot text, p_key text, p_values jsonb);

-- What an admin asked a provider to give back. A row is kept before the provider is asked, and its number is the key of
-- the question (refund-<id>): whoever takes over from a worker that died asks the same, and the money goes back once.
--
-- open ─▶ done ─▶ failed    the provider says that it is given back; or later, that it was not
--   ├───▶ refused           it surely did nothing
--   └───▶ unknown           it did not say, and its key is too old to be asked again: somebody must look there

create table public.refunds (
  id bigint generated always as identity primary key,
  payment_id bigint not null references public.payments (id) on delete cascade,
  amount numeric not null check (amount > 0),
  status text not null default 'open' check (status in ('open', 'done', 'refused', 'unknown', 'failed')),
  admin_email text not null,
  reference text unique,
  operation_id text,
  attempts integer not null default 0,
  is_accepted boolean not null default false,
  is_awaited boolean not null default false,
  error text,
  created_at timestamptz not null default private.clock(),
  asked_at timestamptz,
  ask_after timestamptz not null default private.clock(),
  decided_at timestamptz
);

create index refunds_payment_idx on public.refunds (payment_id, id);
-- One at a time: what is left of a payment is known only when the one before is decided.
create unique index refunds_open_payment_idx on public.refunds (payment_id) where status = 'open';
create index refunds_open_idx on public.refunds (ask_after) where status = 'open';
-- What somebody must look at.
create index refunds_undecided_idx on public.refunds (payment_id) where status in ('open', 'unknown');

comment on table public.refunds is 'What an admin asked a provider to give back';
comment on column public.refunds.reference is 'Given by the caller: the same one asks once';
comment on column public.refunds.operation_id is 'The provider''s number of it';
comment on column public.refunds.is_accepted is 'The provider has taken it, and tells later what became of it';
comment on column public.refunds.is_awaited is 'The admin was told that it is not known yet, and is told the end';
comment on column public.refunds.error is 'What the provider said instead of doing it';
comment on column public.refunds.asked_at is 'When the provider was asked first: its key lasts from then on';
alter table public.refunds enable row level security;
revoke all on table public.refunds from public, anon, authenticated, service_role;
revoke all on sequence public.refunds_id_seq from public, anon, authenticated, service_role;

-- Proves for an admin that payments, what was given for them, the ledger and the balances agree. Reads everything.
--
-- Twice or at once: only reads, in one snapshot.
-- Returns: jsonb {payments: how many things are wrong with them, balances: with how many, wrong_payments: the first ten
--   [{payment, wrong}], wrong_balances: the first ten [{user_id, telegram_id, balance, ledger}]; telegram_id is null for the
--   erased, all of them together}.
-- Errors: N0001 not an admin.
create or replace function public.admin_check(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_payments jsonb;
  v_balances jsonb;
begin
  perform private.require_admin(p_admin_email);
  select coalesce(
      jsonb_agg(jsonb_build_object('payment', c.payment_id, 'wrong', c.wrong) order by c.payment_id, c.wrong), '[]'::jsonb
    )
    into v_payments
    from public.check_payments() as c;
  v_balances := public.check_balances();
  return jsonb_build_object(
    'payments', jsonb_array_length(v_payments),
    'balances', jsonb_array_length(v_balances),
    'wrong_payments', jsonb_path_query_array(v_payments, '$[0 to 9]'),
    'wrong_balances', (
      select coalesce(
          jsonb_agg(
            b.value || jsonb_build_object(
              'telegram_id', (select u.telegram_id from public.users as u where u.id = (b.value ->> 'user_id')::bigint)
            )
          ),
          '[]'::jsonb
        )
        from jsonb_path_query(v_balances, '$[0 to 9]') as b (value)
    )
  );
end
$$;

revoke all on function public.admin_check from public, anon, authenticated;
grant execute on function public.admin_check to bot_backend, service_role;
comment on function public.admin_check is 'Proves for an admin that payments and balances agree';

-- Finds a person by Telegram id or @name for an admin, with what is worth knowing before acting.
--
-- Twice or at once: only reads. A @name can have passed from one person to another: whoever wrote last of
--   those who had it has it now.
-- Returns: jsonb {id, telegram_id, username, first_name, last_name, language, is_admin, is_active, created_at,
--   last_activity, banned_at, ban_reason, plan, plan_ends_at, requests, daily_requests, month_requests,
--   monthly_requests (null is no limit), bonus_credits, free_trainings (that are left), balance (text), currency,
--   total_referrals, keys (how many of their own), money (private.money_of), timezone, plans (the names there are, the
--   lowest first)}, or null when there is nobody.
-- Errors: N0001 not an admin.
create or replace function public.admin_find_user(p_who text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
  v_quota record;
begin
  perform private.require_admin(p_admin_email);
  if p_who ~ '^[0-9]{1,18}$' then
    select u.* into v_user from public.users as u where u.telegram_id = p_who::bigint;
  else
    select u.* into v_user
      from public.users as u
     where lower(u.username) = lower(ltrim(p_who, '@'))
     order by u.last_activity desc
     limit 1;
  end if;
  if not found then
    return null;
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  return jsonb_build_object(
    'id', v_user.id,
    'telegram_id', v_user.telegram_id,
    'username', v_user.username,
    'first_name', v_user.first_name,
    'last_name', v_user.last_name,
    'language', coalesce(v_user.language, v_user.language_code),
    'is_admin', v_user.is_admin,
    'is_active', v_user.is_active,
    'created_at', v_user.created_at,
    'last_activity', v_user.last_activity,
    'banned_at', v_user.banned_at,
    'ban_reason', v_user.ban_reason,
    'plan', v_quota.plan,
    'plan_ends_at', private.plan_of(v_user.id) -> 'ends_at',
    'requests', v_quota.requests,
    'daily_requests', v_quota.daily_requests,
    'month_requests', v_quota.month_requests,
    'monthly_requests', v_quota.monthly_requests,
    'bonus_credits', v_user.bonus_credits,
    'free_trainings', (
      select coalesce(sum(f.quantity - f.used), 0) from public.free_trainings as f where f.user_id = v_user.id
    ),
    'balance', v_user.balance::text,
    'currency', private.setting('balance_currency'),
    'total_referrals', v_user.total_referrals,
    'money', private.money_of(v_user.id),
    'keys', (select count(*) from public.user_tokens as k where k.user_id = v_user.id),
    'timezone', private.setting('quota_timezone'),
    'plans', (select jsonb_agg(l.plan order by l.vip_level) from public.subscription_limits as l)
  );
end
$$;

revoke all on function public.admin_find_user from public, anon, authenticated;
grant execute on function public.admin_find_user to bot_backend, service_role;
comment on function public.admin_find_user is 'Finds a person by Telegram id or @name for an admin';

-- Finds a payment for an admin: by our number, else by that of one of p_providers (a list of keys).
--
-- Twice or at once: only reads.
-- Returns: jsonb, what private.payment_line tells and
--   {left: what can still be given back (text), is_test, order_id, renewal_id, payer_id: the Telegram id the provider told,
--    user: {telegram_id, username, first_name, last_name} | null, refunds: the last five
--    [{id, status, amount, admin_email, error, is_accepted, at}], newest first}; null when there is none.
-- Errors: N0001 not an admin.
create or replace function public.admin_payment(
  p_which text, p_admin_email text, p_providers jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_payment public.payments;
begin
  perform private.require_admin(p_admin_email);
  if p_which ~ '^[0-9]{1,18}$' then
    select p.* into v_payment from public.payments as p where p.id = p_which::bigint;
  end if;
  if v_payment.id is null then
    select p.* into v_payment
      from public.payments as p
     where p.provider = any(array(select jsonb_array_elements_text(p_providers)))
       and p.provider_payment_id = p_which
     order by p.id desc
     limit 1;
  end if;
  if v_payment.id is null then
    return null;
  end if;
  return private.payment_line(v_payment) || jsonb_build_object(
    'left', private.left_of(v_payment)::text,
    'is_test', v_payment.is_test,
    'order_id', v_payment.order_id,
    'renewal_id', v_payment.renewal_id,
    'payer_id', nullif((v_payment.claims ->> 'telegram_id')::bigint, 0),
    'user', (
      select jsonb_build_object(
          'telegram_id', u.telegram_id, 'username', u.username, 'first_name', u.first_name, 'last_name', u.last_name
        )
        from public.users as u
       where u.id = v_payment.user_id
    ),
    'refunds', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', r.id, 'status', r.status, 'amount', r.amount::text, 'admin_email', r.admin_email,
              'error', r.error, 'is_accepted', r.is_accepted, 'at', coalesce(r.decided_at, r.created_at)
            )
            order by r.id desc
          ),
          '[]'::jsonb
        )
        from (
          select e.* from public.refunds as e where e.payment_id = v_payment.id order by e.id desc limit 5
        ) as r
    )
  );
end
$$;

revoke all on function public.admin_payment from public, anon, authenticated;
grant execute on function public.admin_payment to bot_backend, service_role;
comment on function public.admin_payment is 'Finds a payment for an admin';

-- Lists payments for an admin, the newest first, a page at a time: those of a person, paid for their orders or by them; or
-- without p_user_id those that somebody must look at, for which nothing was given, or whose refund is not decided.
--
-- Twice or at once: only reads, over an index. A page begins below p_before, so new ones move nothing.
-- Returns: jsonb {payments: [see private.payment_line], next}: next is p_before of the next page, or null.
-- Errors: N0001 not an admin.
create or replace function public.admin_payments(
  p_admin_email text, p_user_id bigint default null, p_before bigint default null, p_limit integer default 8
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_below bigint := coalesce(p_before, 9223372036854775807);
  v_telegram_id text;
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  if p_user_id is null then
    v_ids := array(
      (
        select p.id from public.payments as p
         where p.problem is not null and p.status = 'completed' and p.id < v_below
         order by p.id desc limit v_limit + 1
      )
      union
      (
        select r.payment_id from public.refunds as r
         where r.status in ('open', 'unknown') and r.payment_id < v_below
         order by r.payment_id desc limit v_limit + 1
      )
      order by 1 desc
      limit v_limit + 1
    );
  else
    select u.telegram_id::text into v_telegram_id from public.users as u where u.id = p_user_id;
    -- Each half by its own index; the second is not tempted to read by number until it has enough.
    v_ids := array(
      with paid_by_them as materialized (
        select p.id from public.payments as p where p.claims ->> 'telegram_id' = v_telegram_id
      )
      (
        select p.id from public.payments as p
         where p.user_id = p_user_id and p.id < v_below
         order by p.user_id desc, p.id desc limit v_limit + 1
      )
      union
      select b.id from paid_by_them as b where b.id < v_below
      order by 1 desc
      limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'payments', (
      select coalesce(jsonb_agg(private.payment_line(p) order by p.id desc), '[]'::jsonb)
        from public.payments as p
       where p.id = any(v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_payments from public, anon, authenticated;
grant execute on function public.admin_payments to bot_backend, service_role;
comment on function public.admin_payments is 'Lists payments for an admin';

-- Keeps that an admin wants money of a payment given back: all that is left of it, or p_amount. Whoever calls with
-- p_asks asks the provider right away (shared/payments/refunds.py); else the job of payments does.
--
-- Twice or at once: the payment's row is locked and has one open refund at a time, so of two admins one opens it and the
--   other finds it. With a reference it is opened once. p_left is what was left when the admin was asked: if that is no
--   longer so, nothing is opened.
-- Returns: jsonb {outcome, left (text), currency}, and where there is a refund {refund: {id, status, amount, admin_email},
--   task: what to ask the provider with, only for whoever shall ask now (private.refund_task)}
--   opened | known (this reference opened it before) | busy (another one is open) | changed (not p_left any more)
--   | too_much | nothing_left | not_paid
-- Errors: N0001 not an admin; N0003 the reference is known with another action, payment or amount; N0004 the amount is
--   unusable; N0007 there is no such payment.
create or replace function public.admin_refund_payment(
  p_payment_id bigint,
  p_amount numeric,
  p_admin_email text,
  p_reference text default null,
  p_left numeric default null,
  p_asks boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_payment public.payments;
  v_refund public.refunds;
  v_left numeric;
  v_outcome text;
begin
  v_payment := private.hold_payment(p_payment_id);
  if v_payment.id is null then
    raise exception 'there is no such payment' using errcode = 'N0007';
  elsif p_amount <= 0 or p_amount <> round(p_amount, case v_payment.currency when 'XTR' then 0 else 2 end) then
    raise exception 'this amount cannot be given back' using errcode = 'N0004';
  end if;
  v_left := private.left_of(v_payment);
  select r.* into v_refund from public.refunds as r where r.reference = p_reference for update;
  if found then
    if v_refund.payment_id <> p_payment_id or v_refund.amount <> coalesce(p_amount, v_refund.amount) then
      raise exception 'this reference is known with another payment or amount' using errcode = 'N0003';
    end if;
    v_outcome := 'known';
  else
    select r.* into v_refund
      from public.refunds as r
     where r.payment_id = p_payment_id and r.status = 'open';
    v_outcome := case
      when coalesce(v_payment.amount, 0) = 0 then 'not_paid'
      when v_refund.id is not null then 'busy'
      when v_left = 0 then 'nothing_left'
      when v_left <> p_left then 'changed'
      when p_amount > v_left then 'too_much'
      else 'opened'
    end;
  end if;

  if v_outcome = 'opened' then
    insert into public.refunds as r (payment_id, amount, admin_email, reference, is_awaited)
    values (p_payment_id, coalesce(p_amount, v_left), v_email, p_reference, not p_asks)
    returning r.* into v_refund;
    perform private.write_audit(
      v_email, 'refund_payment', v_payment.user_id, p_reference,
      jsonb_build_object('payment', v_payment.id, 'status', v_payment.status, 'refunded', v_payment.refunded::text),
      jsonb_build_object(
        'refund', v_refund.id, 'payment', v_payment.id, 'amount', v_refund.amount::text,
        'currency', v_payment.currency, 'provider', v_payment.provider
      )
    );
  end if;
  return jsonb_build_object('outcome', v_outcome, 'left', v_left::text, 'currency', v_payment.currency)
    || case when v_refund.id is null then '{}'::jsonb else jsonb_build_object(
      'refund', jsonb_build_object(
        'id', v_refund.id, 'status', v_refund.status, 'amount', v_refund.amount::text,
        'admin_email', v_refund.admin_email
      ),
      'task', case
        when p_asks and v_outcome in ('opened', 'known') and v_refund.status = 'open'
          then private.refund_task(v_refund.id)
      end
    ) end;
end
$$;

revoke all on function public.admin_refund_payment from public, anon, authenticated;
grant execute on function public.admin_refund_payment to bot_backend, service_role;
comment on function public.admin_refund_payment is 'Keeps that an admin wants money of a payment given back';

-- Says of a payment what an admin reads in a list.
--
-- Twice or at once: only reads.
-- Returns: jsonb {id, provider, number, status, problem, amount, refunded, disputed (text; amount null: nothing came), currency,
--   texts (of what was bought; null without an order), at, given: [{effect, given, taken}], open_refund: the status of
--   the last refund that somebody must look at, or null}.
-- Errors: none.
create or replace function private.payment_line(p_payment public.payments)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_payment.id,
    'provider', p_payment.provider,
    'number', p_payment.provider_payment_id,
    'status', p_payment.status,
    'problem', p_payment.problem,
    'amount', p_payment.amount::text,
    'refunded', p_payment.refunded::text,
    'disputed', p_payment.disputed::text,
    'currency', p_payment.currency,
    'at', coalesce(p_payment.completed_at, p_payment.created_at),
    'texts', (
      select d.texts
        from public.products as d
       where d.key = coalesce(
         (select o.product_key from public.orders as o where o.id = p_payment.order_id),
         (select r.product_key from public.renewals as r where r.id = p_payment.renewal_id)
       )
    ),
    'given', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('effect', e.effect, 'given', trim_scale(e.given), 'taken', trim_scale(e.taken))
            order by e.effect
          ),
          '[]'::jsonb
        )
        from public.payment_effects as e
       where e.payment_id = p_payment.id and e.effect <> 'commission'
    ),
    'open_refund', (
      select r.status
        from public.refunds as r
       where r.payment_id = p_payment.id and r.status in ('open', 'unknown')
       order by r.id desc
       limit 1
    )
  );
$$;

revoke all on function private.payment_line from public, anon, authenticated;
comment on function private.payment_line is 'What an admin reads of a payment in a list';

-- Tells the admins about money that somebody must look at.
--
-- Twice or at once: the caller asks once for each trouble of a payment.
-- Returns: see private.tell_admins.
-- Errors: none.
create or replace function private.alarm_about(p_payment public.payments, p_trouble text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return private.tell_admins(p_payment, 'payment_alarm_' || p_trouble, '{}'::jsonb);
end
$$;

revoke all on function private.alarm_about from public, anon, authenticated;
comment on function private.alarm_about is 'Tells the admins about money that somebody must look at';

-- Applies one thing that happened (shared/payments/notice.py) to the payment it is about.
--
-- Twice or at once: the payment's row is made once and locked; what moved is kept by its own number, so a repetition
--   changes no sum. A dispute that was decided and a refund that failed stay so, whatever comes later.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none of its own.
create or replace function private.apply_payment_notice(p_provider text, p_notice jsonb, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kind text := p_notice ->> 'kind';
  v_payment public.payments;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_kind = 'other' then
    return v_outgoing;
  elsif v_kind like 'subscription\_%' then
    return private.change_renewal(p_provider, p_notice);
  elsif p_notice ->> 'payment_id' is null then
    -- An attempt that never became a charge: only the order can hear of it.
    return private.note_order_trouble(p_provider, p_notice);
  end if;

  insert into public.payments as p (provider, provider_payment_id)
  values (p_provider, p_notice ->> 'payment_id')
  on conflict (provider, provider_payment_id) do nothing;
  select p.* into v_payment
    from public.payments as p
   where p.provider = p_provider and p.provider_payment_id = p_notice ->> 'payment_id'
     for update;
  update public.payments as p
     set currency = coalesce(p.currency, case when v_kind = 'paid' then p_notice ->> 'currency' end),
         has_failed = p.has_failed or v_kind = 'failed',
         is_canceled = p.is_canceled or v_kind = 'canceled',
         is_test = p.is_test or coalesce((p_notice ->> 'is_test')::boolean, false),
         saved_method = coalesce(p_notice ->> 'saved_method', p.saved_method),
         claims = p.claims || jsonb_strip_nulls(
           jsonb_build_object(
             'order_id', p_notice -> 'order_id',
             'subscription_id', p_notice -> 'subscription_id',
             -- Who paid is told once: 0 of somebody who was erased stays.
             'telegram_id', coalesce(p.claims -> 'telegram_id', p_notice -> 'telegram_id'),
             'payer', case when v_kind = 'paid' then p_notice -> 'payer' end
           )
         )
   where p.id = v_payment.id;
  if v_kind in ('paid', 'refunded', 'refund_failed', 'disputed', 'dispute_won', 'dispute_lost') then
    perform private.keep_operation(v_payment.id, p_notice);
  end if;
  v_outgoing := private.settle_payment(v_payment.id, p_accept_test);
  if v_kind in ('refunded', 'refund_failed') then
    v_outgoing := v_outgoing || private.close_refund(v_payment.id, p_notice);
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.apply_payment_notice from public, anon, authenticated;
comment on function private.apply_payment_notice is 'Applies one thing that happened to the payment it is about';

-- Proves that payments, what was given for them, and the ledger agree. For admins and tests.
--
-- Twice or at once: only reads, in one snapshot.
-- Returns: one row for each thing that is wrong: the payment, and what. None when all is well.
-- Errors: none.
create or replace function public.check_payments()
returns table (payment_id bigint, wrong text)
language sql
volatile
security definer
set search_path = ''
as $$
  with sums as (
    select
      p.id,
      p.status,
      p.amount,
      p.refunded,
      p.disputed,
      p.problem,
      p.order_id,
      (select sum(o.amount) from public.payment_operations as o where o.payment_id = p.id and o.kind = 'paid') as paid,
      (
        select coalesce(sum(o.amount), 0)
          from public.payment_operations as o
         where o.payment_id = p.id and o.kind = 'dispute' and not o.is_undone
      ) as in_dispute,
      (select count(*) from public.payment_effects as e where e.payment_id = p.id and e.effect <> 'commission') as effects
    from public.payments as p
  )
  select s.id, 'the amount is not what was paid' from sums as s where s.amount is distinct from s.paid
  union all
  select s.id, 'the disputed sum is not that of the disputes' from sums as s where s.disputed <> s.in_dispute
  union all
  select s.id, 'the status does not follow from the sums'
    from sums as s
   where (coalesce(s.amount, 0) > 0) <> (s.status in ('completed', 'refunded'))
      or (s.amount > 0 and (s.refunded + s.disputed >= s.amount) <> (s.status = 'refunded'))
  union all
  select s.id, 'paid and not given' from sums as s where s.amount > 0 and s.problem is null and s.effects <> 1
  union all
  select s.id, 'given and not paid' from sums as s where s.effects > 0 and (s.problem is not null or coalesce(s.amount, 0) = 0)
  union all
  select s.id, 'an order was given twice'
    from sums as s
   where s.effects > 0
     and exists (select from sums as t where t.order_id = s.order_id and t.id < s.id and t.effects > 0)
  union all
  select s.id, 'the discount it was bought with is still there'
    from sums as s
    join public.orders as o on o.id = s.order_id
    join public.promocode_usages as u on u.promocode_id = o.promocode_id and u.user_id = o.user_id
   where s.effects > 0 and u.consumed_at is null
  union all
  select s.id, 'refunded whole and not taken back'
    from sums as s
    join public.payment_effects as e on e.payment_id = s.id
   where s.status = 'refunded' and e.aim <> e.given
  union all
  select r.payment_id, 'a refund is called done and its money did not go back'
    from public.refunds as r
   where r.status = 'done'
     and not exists (
       select from public.payment_operations as o
        where o.payment_id = r.payment_id
          and o.kind in ('refund', 'refund_total')
          and o.operation_id = r.operation_id
          and o.amount >= r.amount
          and not o.is_undone
     )
  union all
  select e.payment_id, 'the ledger does not have what was given'
    from public.payment_effects as e
   where e.effect in ('balance', 'commission')
     and e.given - e.taken <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference like format('payments:%s:%s:%%', e.payment_id, e.effect)
     );
$$;

revoke all on function public.check_payments from public, anon, authenticated;
grant execute on function public.check_payments to bot_backend, service_role;
comment on function public.check_payments is 'Proves that payments and what was given for them agree';

-- Gives the refunds whose provider is to be asked now (p_providers: {key: seconds for which its keys make nothing twice}),
-- and gives up those whose key is too old. One that the provider has taken is waited for a week.
--
-- Twice or at once: refunds that somebody holds are skipped, and so are those of people who are being erased; one that
--   was given is not given again for a minute, and then at growing intervals.
-- Returns: jsonb {tasks: [see private.refund_task], outgoing: messages that are owed now}.
-- Errors: none.
create or replace function public.claim_open_refunds(p_providers jsonb, p_limit integer default 20)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_payment public.payments;
  v_refund public.refunds;
  v_is_fresh boolean;
  v_patience interval;
  v_tasks jsonb := '[]'::jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select r.id, r.payment_id
      from public.refunds as r
     where r.status = 'open' and r.ask_after <= v_now
     order by r.ask_after
     limit p_limit
  loop
    select p.* into v_payment from public.payments as p where p.id = v_due.payment_id;
    perform from public.users as u where u.id = v_payment.user_id for key share skip locked;
    continue when v_payment.user_id is not null and not found;
    perform from public.payments as p where p.id = v_payment.id for update skip locked;
    continue when not found;
    select r.* into v_refund
      from public.refunds as r
     where r.id = v_due.id and r.status = 'open' and r.ask_after <= v_now
       for update;
    continue when not found;

    v_is_fresh := coalesce(
      v_refund.asked_at > v_now - make_interval(secs => (p_providers ->> v_payment.provider)::integer),
      v_refund.asked_at is null
    );
    v_patience := case
      when v_refund.is_accepted then interval '7 days'
      when v_refund.asked_at is null then interval '1 day'
      else interval '0'
    end;
    if p_providers ? v_payment.provider and v_is_fresh then
      update public.refunds as r set is_awaited = true where r.id = v_refund.id;
      v_tasks := v_tasks || private.refund_task(v_refund.id);
    elsif v_refund.created_at > v_now - v_patience then
      update public.refunds as r set ask_after = v_now + interval '30 minutes' where r.id = v_refund.id;
    else
      v_refund.is_awaited := true;
      v_outgoing := v_outgoing || private.decide_refund(v_payment, v_refund, 'unknown', null, v_refund.error);
    end if;
  end loop;
  return jsonb_build_object('tasks', v_tasks, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.claim_open_refunds from public, anon, authenticated;
grant execute on function public.claim_open_refunds to bot_backend, service_role;
comment on function public.claim_open_refunds is 'Gives the refunds whose provider is to be asked now';

-- Finds the refund that an operation told by a provider is, and notes that it is done, or that it failed.
--
-- Twice or at once: the caller holds the payment's row and has kept the operation; what is noted already changes nothing.
--   Our own question names the refund. A callback is known by the provider's number, and while that is not known by
--   its amount: it came after the refund was asked for, and a payment has one open refund at a time.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.close_refund(p_payment_id bigint, p_notice jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_payment public.payments;
  v_refund public.refunds;
  v_operation public.payment_operations;
  v_status text;
begin
  select o.* into v_operation
    from public.payment_operations as o
   where o.payment_id = p_payment_id
     and o.kind in ('refund', 'refund_total')
     and o.operation_id = coalesce(p_notice ->> 'operation_id', p_notice ->> 'payment_id');
  select r.* into v_refund
    from public.refunds as r
   where r.payment_id = p_payment_id
     and (
       r.id = (p_notice ->> 'refund_id')::bigint
       or r.operation_id = v_operation.operation_id
       or (
         r.status in ('open', 'unknown')
         and r.operation_id is null
         and r.amount = v_operation.amount
         and r.created_at <= v_operation.created_at
       )
     )
   order by
     r.id = (p_notice ->> 'refund_id')::bigint desc nulls last,
     r.operation_id = v_operation.operation_id desc nulls last,
     r.id desc
   limit 1
     for update;
  v_status := case when v_operation.is_undone then 'failed' else 'done' end;
  if v_refund.id is null or v_refund.status = v_status then
    return '[]'::jsonb;
  end if;
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  return private.decide_refund(
    v_payment, v_refund, v_status, v_operation.operation_id, p_notice ->> 'reason'
  );
end
$$;

revoke all on function private.close_refund from public, anon, authenticated;
comment on function private.close_refund is 'Notes that a refund is done, or that it failed';

-- Notes how a refund ended, in the audit too, and tells the admin who asked for it and was left waiting.
--
-- Twice or at once: the caller holds the payment's row and the refund's, and asks once for each change.
-- Returns: see private.tell_person.
-- Errors: none.
create or replace function private.decide_refund(
  p_payment public.payments, p_refund public.refunds, p_status text, p_operation_id text, p_error text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.refunds as r
     set status = p_status,
         operation_id = coalesce(p_operation_id, r.operation_id),
         error = left(nullif(p_error, ''), 500),
         decided_at = private.clock()
   where r.id = p_refund.id;
  perform private.write_audit(
    p_refund.admin_email, 'refund_decided', p_payment.user_id, null,
    jsonb_build_object('refund', p_refund.id, 'payment', p_payment.id, 'status', p_refund.status),
    jsonb_build_object(
      'refund', p_refund.id, 'payment', p_payment.id, 'status', p_status, 'amount', p_refund.amount::text,
      'currency', p_payment.currency
    )
  );
  if not p_refund.is_awaited and p_refund.status = 'open' then
    return '[]'::jsonb;
  end if;
  return private.tell_admins(
    p_payment,
    'refund_told_' || p_status,
    jsonb_build_object('back', jsonb_build_object('amount', p_refund.amount, 'currency', p_payment.currency)),
    p_refund.admin_email
  );
end
$$;

revoke all on function private.decide_refund from public, anon, authenticated;
comment on function private.decide_refund is 'Notes how a refund ended';

-- Locks a payment, its person first, so that nobody erases them in between.
--
-- Twice or at once: in the order in which everybody locks: the person, then the payment.
-- Returns: the row as it is now; null when there is none.
-- Errors: none.
create or replace function private.hold_payment(p_payment_id bigint)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_payment public.payments;
begin
  perform
    from public.users as u
   where u.id = (select p.user_id from public.payments as p where p.id = p_payment_id)
     for key share;
  select p.* into v_payment from public.payments as p where p.id = p_payment_id for update;
  return v_payment;
end
$$;

revoke all on function private.hold_payment from public, anon, authenticated;
comment on function private.hold_payment is 'Locks a payment, its person first';

-- Keeps what a provider answered that was asked for a refund, when money did not visibly move: it took the question and
-- tells later, it refused, or nobody knows. (What moved is a payment event: private.close_refund.)
--
-- Twice or at once: the payment's row is locked, then the refund's. What is decided stays so. A refusal is believed when it
-- was the first answer: after a question without an answer it may be of the second question alone.
-- Returns: jsonb {status: open | done | refused | unknown | failed, is_accepted, error, outgoing: messages that are owed now}.
-- Errors: none of its own.
create or replace function public.keep_refund_answer(p_refund_id bigint, p_answer text, p_error text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_payment public.payments;
  v_refund public.refunds;
  v_outgoing jsonb := '[]'::jsonb;
begin
  v_payment := private.hold_payment((select r.payment_id from public.refunds as r where r.id = p_refund_id));
  select r.* into v_refund from public.refunds as r where r.id = p_refund_id for update;
  if v_refund.status = 'open' and p_answer = 'refused' and v_refund.attempts <= 1 and not v_refund.is_accepted then
    v_outgoing := private.decide_refund(v_payment, v_refund, 'refused', null, p_error);
  elsif v_refund.status = 'open' then
    update public.refunds as r
       set is_accepted = r.is_accepted or p_answer = 'accepted',
           is_awaited = true,
           error = left(p_error, 500),
           -- The provider is given longer and longer pauses, half an hour at most.
           ask_after = v_now + least(r.attempts * r.attempts, 30) * interval '1 minute'
     where r.id = p_refund_id;
  end if;
  select r.* into v_refund from public.refunds as r where r.id = p_refund_id;
  return jsonb_build_object(
    'status', v_refund.status, 'is_accepted', v_refund.is_accepted, 'error', v_refund.error, 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.keep_refund_answer from public, anon, authenticated;
grant execute on function public.keep_refund_answer to bot_backend, service_role;
comment on function public.keep_refund_answer is 'Keeps what a provider answered that was asked for a refund';

-- Says how much of a payment can still be given back: what was paid, without what went back, is disputed, or is being
-- given back now.
--
-- Twice or at once: only reads; it stays true for whoever holds the payment's row.
-- Returns: the sum, never below zero.
-- Errors: none.
create or replace function private.left_of(p_payment public.payments)
returns numeric
language sql
stable
security invoker
set search_path = ''
as $$
  select greatest(
      coalesce(p_payment.amount, 0) - p_payment.refunded - p_payment.disputed - coalesce(sum(r.amount), 0), 0
    )
    from public.refunds as r
   where r.payment_id = p_payment.id and r.status = 'open';
$$;

revoke all on function private.left_of from public, anon, authenticated;
comment on function private.left_of is 'How much of a payment can still be given back';

-- Sums what a person paid, for an admin.
--
-- Twice or at once: only reads what is theirs, over an index.
-- Returns: jsonb {payments: how many brought money, sums: [{currency, paid, refunded}] (text, without payments for which
--   nothing was given), chargebacks: how many of their payments a bank took back and did not return}.
-- Errors: none.
create or replace function private.money_of(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user_id and p.amount > 0
  ), sums as (
    select o.currency, sum(o.amount) as paid, sum(o.refunded) as refunded
      from own as o
     where o.problem is null
     group by o.currency
  )
  select jsonb_build_object(
    'payments', (select count(*) from own as o),
    'sums', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('currency', s.currency, 'paid', s.paid::text, 'refunded', s.refunded::text)
            order by s.currency
          ),
          '[]'::jsonb
        )
        from sums as s
    ),
    'chargebacks', (select count(*) from own as o where o.disputed > 0)
  );
$$;

revoke all on function private.money_of from public, anon, authenticated;
comment on function private.money_of is 'What a person paid';

-- Takes a refund to ask its provider for it now, and collects what the question needs.
--
-- Twice or at once: the caller holds the refund's row; for a minute nobody else takes it.
-- Returns: jsonb {id, key, attempt, provider, number, amount, currency, is_whole, telegram_id (who paid; null when they are
--   erased), contact, texts (of what was bought, for the receipt; null without an order), languages}; amounts as text.
-- Errors: none.
create or replace function private.refund_task(p_refund_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_task jsonb;
begin
  update public.refunds as r
     set attempts = r.attempts + 1,
         asked_at = coalesce(r.asked_at, v_now),
         ask_after = v_now + interval '1 minute'
   where r.id = p_refund_id;
  select jsonb_build_object(
      'id', r.id,
      'key', 'refund-' || r.id,
      'attempt', r.attempts,
      'provider', p.provider,
      'number', p.provider_payment_id,
      'amount', r.amount::text,
      'currency', p.currency,
      'is_whole', r.amount = p.amount,
      'telegram_id', coalesce(nullif((p.claims ->> 'telegram_id')::bigint, 0), u.telegram_id),
      'contact', coalesce(
        o.contact,
        -- A renewal has no address of its own: that of the last such purchase.
        (
          select e.contact
            from public.orders as e
           where e.user_id = n.user_id and e.provider = n.provider and e.contact is not null
           order by e.id desc
           limit 1
        )
      ),
      'texts', d.texts,
      'languages', jsonb_build_array(u.language, u.language_code)
    )
    into v_task
    from public.refunds as r
    join public.payments as p on p.id = r.payment_id
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as n on n.id = p.renewal_id
    left join public.products as d on d.key = coalesce(o.product_key, n.product_key)
    left join public.users as u on u.id = p.user_id
   where r.id = p_refund_id;
  return v_task;
end
$$;

revoke all on function private.refund_task from public, anon, authenticated;
comment on function private.refund_task is 'Takes a refund to ask its provider for it now';

-- Brings a payment up to date: its sums and status, whose it is, what is given for it, and what is taken back.
--
-- Twice or at once: the caller holds the payment's row. Everything follows from what is kept, so doing it again
--   changes nothing. Then the order's row is locked, then the person's.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.settle_payment(p_payment_id bigint, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_before public.payments;
  v_payment public.payments;
  v_outgoing jsonb := '[]'::jsonb;
  v_is_new boolean;
begin
  select p.* into v_before from public.payments as p where p.id = p_payment_id for update;
  v_payment := private.sum_payment(p_payment_id);
  if coalesce(v_payment.amount, 0) = 0 then
    if v_payment.status in ('failed', 'canceled') and v_payment.status <> v_before.status then
      return private.note_order_trouble(
        v_payment.provider,
        v_payment.claims || jsonb_build_object('kind', v_payment.status)
      );
    end if;
    return v_outgoing;
  end if;

  v_is_new := not exists (select from public.payment_effects as e where e.payment_id = p_payment_id);
  if v_is_new then
    v_payment := private.claim_payment(v_payment, p_accept_test);
    if coalesce(v_before.order_id, v_before.renewal_id) is null
      and coalesce(v_payment.order_id, v_payment.renewal_id) is not null
    then
      perform private.own_events_of(v_payment);
    end if;
    if v_payment.problem is not null then
      if v_payment.problem is distinct from v_before.problem then
        v_outgoing := v_outgoing || private.alarm_about(v_payment, v_payment.problem);
      end if;
      -- Who paid by mistake hears that it went back; who paid somebody else's order is not known to us.
      if v_payment.refunded > v_before.refunded and v_payment.problem not in ('no_order', 'owner') then
        v_outgoing := v_outgoing || private.tell_refund(v_payment, v_before);
      end if;
      return v_outgoing;
    end if;
    v_outgoing := v_outgoing || private.give_for_payment(v_payment);
  end if;
  v_outgoing := v_outgoing || private.take_back(v_payment, v_before);
  if v_payment.disputed > v_before.disputed then
    v_outgoing := v_outgoing || private.alarm_about(v_payment, 'dispute');
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.settle_payment from public, anon, authenticated;
comment on function private.settle_payment is 'Brings a payment and what was given for it up to date';

-- Takes back what was given, in the share of the payment that was refunded or disputed, or returns it when a refund
-- failed or a dispute was won. Nobody's credits, balance or time fall below zero, and what could not be taken is not
-- returned either; of an erased person nothing moves any more, the sums go on.
--
-- Twice or at once: the caller holds the payment's row; how much should be taken is kept (aim), so the same sums do
--   nothing again.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.take_back(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_share numeric := least(1, (p_payment.refunded + p_payment.disputed) / p_payment.amount);
  v_effect public.payment_effects;
  v_aim numeric;
  v_taken numeric;
  v_has_changed boolean := false;
begin
  perform from public.users as u
    where u.id in (select e.user_id from public.payment_effects as e where e.payment_id = p_payment.id)
    order by u.id
      for no key update;
  for v_effect in
    select e.* from public.payment_effects as e where e.payment_id = p_payment.id order by e.effect
  loop
    v_aim := case
      when v_share = 1 then v_effect.given
      when v_effect.effect in ('balance', 'commission') then round(v_effect.given * v_share, 2)
      when v_effect.effect = 'course' then 0
      else floor(v_effect.given * v_share)
    end;
    if v_effect.user_id is null then
      v_aim := greatest(v_aim, v_effect.taken);  -- what was taken stays taken
    end if;
    continue when v_aim = v_effect.aim;
    v_has_changed := true;
    if v_aim > v_effect.aim then
      v_taken := v_effect.taken + private.move_effect(p_payment, v_effect, v_effect.aim - v_aim);
    else
      v_taken := least(v_effect.taken, v_aim);
      perform private.move_effect(p_payment, v_effect, v_effect.taken - v_taken);
    end if;
    update public.payment_effects as e
       set aim = v_aim, taken = v_taken, moves = e.moves + 1
     where e.payment_id = v_effect.payment_id and e.effect = v_effect.effect;
  end loop;
  -- A refund too small to take anything is told all the same: it is the buyer's money.
  if not v_has_changed and p_payment.refunded + p_payment.disputed = p_before.refunded + p_before.disputed then
    return '[]'::jsonb;
  end if;
  return private.tell_refund(p_payment, p_before);
end
$$;

revoke all on function private.take_back from public, anon, authenticated;
comment on function private.take_back is 'Takes back what was given for a payment';

-- Tells the admins something about a payment, with a button to it: all of them, or the one of p_admin_email. Each hears it
-- in a bot that they have written to, the one that sold it if they can.
--
-- Twice or at once: every call owes the messages; the caller asks once.
-- Returns: see private.tell_person, one for each admin who ever wrote to a bot.
-- Errors: none.
create or replace function private.tell_admins(
  p_payment public.payments, p_key text, p_values jsonb, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(t.message), '[]'::jsonb)
      from public.admins as a
      join public.users as u on u.telegram_id = a.telegram_id
      cross join lateral (
        select s.bot
          from public.bot_sessions as s
         where s.user_id = u.id
         order by
           s.bot = (select o.bot from public.orders as o where o.id = p_payment.order_id) desc nulls last,
           s.updated_at desc
         limit 1
      ) as b
      cross join lateral jsonb_array_elements(
        private.tell_person(
          u.id,
          b.bot,
          p_key,
          jsonb_build_object(
            'payment', p_payment.id,
            'provider', jsonb_build_object('text', 'provider_' || p_payment.provider),
            'number', p_payment.provider_payment_id,
            'money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency)
          ) || p_values,
          jsonb_build_array(
            jsonb_build_array(
              jsonb_build_object('key', 'admin_button_payment', 'data', format('admin:payment:%s:new', p_payment.id))
            )
          )
        )
      ) as t (message)
     where p_admin_email is null or a.email = p_admin_email
  );
end
$$;

revoke all on function private.tell_admins from public, anon, authenticated;
comment on function private.tell_admins is 'Tells the admins something about a payment';

-- Owes a person a message: which text, its values, and rows of buttons ({key: which text, data}). Python puts it into
-- words in their language.
--
-- Twice or at once: every call owes one message; the caller asks once.
-- Returns: jsonb array with {bot, id, method, parameters} for whoever sends it now; empty for an erased person.
-- Errors: none.
create or replace function private.tell_person(
  p_user_id bigint, p_bot text, p_key text, p_values jsonb, p_buttons jsonb default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_parameters jsonb;
begin
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', p_key,
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', p_values
    ) || case when p_buttons is null then '{}'::jsonb else jsonb_build_object('buttons', p_buttons) end
    into v_parameters
    from public.users as u
   where u.id = p_user_id;
  if not found or p_bot is null then
    return '[]'::jsonb;
  end if;
  return jsonb_build_array(
    jsonb_build_object(
      'bot', p_bot,
      'id', (private.owe_calls(
        p_bot, null, jsonb_build_array(jsonb_build_object('method', 'notice', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'notice',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.tell_person from public, anon, authenticated;
comment on function private.tell_person is 'Owes a person a message';

-- Tells the buyer what became of their money: a refund, in part or whole, or that it is theirs again.
--
-- Twice or at once: the caller asks when the sums, or what was taken, have changed.
-- Returns: see private.tell_person.
-- Errors: none.
create or replace function private.tell_refund(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_bought record;
  v_back numeric := p_payment.refunded + p_payment.disputed - p_before.refunded - p_before.disputed;
begin
  if v_back = 0 then  -- all of it was told before the payment itself
    v_back := p_payment.refunded + p_payment.disputed;
  end if;
  select b.bot, p.texts into v_bought
    from (
      select o.product_key, o.bot from public.orders as o where o.id = p_payment.order_id
      union all
      select r.product_key, r.bot from public.renewals as r where r.id = p_payment.renewal_id
    ) as b
    join public.products as p on p.key = b.product_key;
  return private.tell_person(
    p_payment.user_id,
    v_bought.bot,
    case
      when p_payment.problem is not null then 'refunded_unused'
      when v_back < 0 then 'refund_undone'
      when p_payment.disputed > p_before.disputed then 'disputed'
      when p_payment.status = 'completed' then 'refunded_part'
      else 'refunded'
    end,
    jsonb_build_object(
      'title', private.titles(v_bought.texts),
      'money', jsonb_build_object('amount', abs(v_back), 'currency', p_payment.currency)
    )
  );
end
$$;

revoke all on function private.tell_refund from public, anon, authenticated;
comment on function private.tell_refund is 'Tells the buyer what became of their money';

-- Collects what is stored about a person's money: what they ordered and paid, what they got for it, what providers said.
--
-- Twice or at once: only reads.
-- Returns: jsonb, one key a table; without what tells of somebody else who paid for them.
-- Errors: none.
create or replace function private.money_section(p_user public.users)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user.id
       and coalesce(p.claims ->> 'telegram_id', p_user.telegram_id::text) = p_user.telegram_id::text
    union
    select p.* from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
  )
  select jsonb_build_object(
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'user_id' order by o.id), '[]')
        from public.orders as o
       where o.user_id = p_user.id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['user_id', 'claims'] order by p.id), '[]') from own as p
    ),
    'operations', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.payment_id, o.created_at, o.kind, o.operation_id), '[]')
        from public.payment_operations as o
       where o.payment_id = any(array(select p.id from own as p))
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'admin_email' order by r.id), '[]')
        from public.refunds as r
       where r.payment_id = any(array(select p.id from own as p))
    ),
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.payment_id, e.effect), '[]')
        from public.payment_effects as e
       where e.user_id = p_user.id
    ),
    'renewals', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'user_id' order by r.id), '[]')
        from public.renewals as r
       where r.user_id = p_user.id
    ),
    'events', (
      select coalesce(jsonb_agg(to_jsonb(e) - array['id', 'user_id'] order by e.received_at, e.id), '[]')
        from public.payment_events as e
       where e.user_id = p_user.id
    )
  );
$$;

revoke all on function private.money_section from public, anon, authenticated;
comment on function private.money_section is 'What is stored about a person''s money';

-- Takes everything personal out of payments: with what a next one could be charged, by what the provider knows the payer,
-- and who paid (0 from now on, so that money of another person does not become the owner's); and what a provider said when
-- it refused to give it back.
--
-- Twice or at once: emptied once, it stays empty.
-- Returns: nothing.
-- Errors: none.
create or replace function private.strip_payments(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.payments as p
     set saved_method = null,
         claims = p.claims - 'payer' || case when p.claims ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
   where p.id = any(p_ids);
  update public.refunds as r set error = null where r.payment_id = any(p_ids) and r.error is not null;
$$;

revoke all on function private.strip_payments from public, anon, authenticated;
comment on function private.strip_payments is 'Takes everything personal out of payments';

-- Few payments have a problem: it is made in the time that reading the table takes.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX payments_unsolved_idx ON public.payments USING btree (id) WHERE ((problem IS NOT NULL) AND (status = 'completed'::text));
