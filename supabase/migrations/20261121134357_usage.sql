-- Usage.

-- An internal, made anew with more to tell, in this transaction.
-- squawk-ignore ban-drop-function
drop function private.quota(p_user_id bigint, p_vip_level integer, OUT plan text, OUT day date, OUT requests integer, OUT daily_requests integer, OUT resets_at timestamp with time zone);

-- Made anew below with one more parameter, which has a default.
-- squawk-ignore ban-drop-function
drop function public.finish_update(p_bot text, p_update_id bigint, p_attempt integer, p_session jsonb, p_messages jsonb, p_reservation text, p_answer jsonb, p_outgoing jsonb);

alter table public.daily_usage add column own_key_requests integer default 0 not null;

alter table public.subscription_limits add column features text[] default '{}'::text[] not null;

alter table public.subscription_limits add column history_length integer;

alter table public.subscription_limits add column monthly_requests integer;

alter table public.users add column referral_credits integer default 0 not null;

-- How many AI requests a person used in a month, over all bots: the sums of daily_usage, kept as counters.

create table public.monthly_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  month date not null check (extract(day from month) = 1),
  requests integer not null default 0 check (requests >= 0),
  bonus_requests integer not null default 0 check (bonus_requests >= 0),
  primary key (user_id, month)
);

comment on table public.monthly_usage is 'AI requests used, by person and month';
comment on column public.monthly_usage.month is 'Its first day, in the time zone of the setting quota_timezone';
comment on column public.monthly_usage.requests is 'Reserved and served requests; a failed one is given back';
comment on column public.monthly_usage.bonus_requests is 'Requests paid with bonus credits; the plan''s limit does not count them';
alter table public.monthly_usage enable row level security;
revoke all on table public.monthly_usage from public, anon, authenticated, service_role;

-- Every call to an AI provider, one row each, a partition a month (UTC). private.keep_usage_months makes the
-- months ahead and drops those past their retention; what finds no month waits in the default one.

create table public.api_usage (
  id bigint generated always as identity,
  -- Not a foreign key: making and dropping a month would lock users. Erasing a person clears it by user_id.
  user_id bigint not null,
  bot text not null,
  provider text not null,
  model text not null,
  kind text not null check (kind in ('chat', 'image', 'video')),
  status text not null,
  ms integer not null check (ms >= 0),
  request_bytes integer not null check (request_bytes >= 0),
  response_bytes integer not null check (response_bytes >= 0),
  tokens_in integer check (tokens_in >= 0),
  tokens_out integer check (tokens_out >= 0),
  cost numeric(14, 8) check (cost >= 0),
  is_own_key boolean not null,
  created_at timestamptz not null default private.clock(),
  primary key (id, created_at)
) partition by range (created_at);

create index api_usage_user_idx on public.api_usage (user_id, created_at);

comment on table public.api_usage is 'Every call to an AI provider';
comment on column public.api_usage.status is 'ok; part: only the beginning of an answer came; else what went wrong, a Trouble of shared/ai/provider.py';
comment on column public.api_usage.ms is 'Milliseconds from asking to the last word';
comment on column public.api_usage.request_bytes is 'Bytes of the body that was sent';
comment on column public.api_usage.tokens_in is 'null: the provider did not say, as for an answer that was cut off';
comment on column public.api_usage.cost is 'US dollars; null: the provider does not say';
comment on column public.api_usage.is_own_key is 'Asked with the person''s own key: it cost us nothing';
alter table public.api_usage enable row level security;
revoke all on table public.api_usage from public, anon, authenticated, service_role;
revoke all on sequence public.api_usage_id_seq from public, anon, authenticated, service_role;

-- Calls of a month that has no partition yet; private.make_usage_month moves them into it.

create table public.api_usage_default partition of public.api_usage default;

comment on table public.api_usage_default is 'Calls of a month that has no partition yet';
alter table public.api_usage_default enable row level security;
revoke all on table public.api_usage_default from public, anon, authenticated, service_role;

-- What a day came to, over all people and bots, for whoever runs them. Counters: nothing is ever counted from
-- rows that grow.
--
-- The figure of a day is the SUM of a column over that day's rows: each column counts one thing, every event
-- is in exactly one row, and group by what you like (day, provider, model, is_own_key):
--   requests     AI requests served; in the row of the model that answered
--   calls        calls to providers, retries and failures included; errors: those that brought no answer
--   tokens_in, tokens_out, cost (US dollars; only as far as a provider says), ms (milliseconds together)
--   new_people   people seen for the first time; in the row without a provider and model
-- A day is one of the setting quota_timezone. Rows about no model have '' as provider and model.
-- `shard` means nothing: sixteen rows take the writers of one figure, so that they do not wait for each other.

create table public.daily_totals (
  day date not null,
  provider text not null,
  model text not null,
  is_own_key boolean not null,
  shard integer not null check (shard between 0 and 15),
  requests bigint not null default 0 check (requests >= 0),
  calls bigint not null default 0 check (calls >= 0),
  errors bigint not null default 0 check (errors >= 0),
  tokens_in bigint not null default 0 check (tokens_in >= 0),
  tokens_out bigint not null default 0 check (tokens_out >= 0),
  cost numeric(18, 8) not null default 0 check (cost >= 0),
  ms bigint not null default 0 check (ms >= 0),
  new_people bigint not null default 0 check (new_people >= 0),
  primary key (day, provider, model, is_own_key, shard)
);

comment on table public.daily_totals is 'What a day came to over all people; a figure is the sum of its column';
comment on column public.daily_totals.shard is 'Means nothing: it spreads the writers of one figure over sixteen rows';
comment on column public.daily_totals.requests is 'AI requests served';
comment on column public.daily_totals.calls is 'Calls to the provider, retries and failures included';
comment on column public.daily_totals.errors is 'Calls that brought no answer';
comment on column public.daily_totals.cost is 'US dollars, as far as the providers say';
comment on column public.daily_totals.is_own_key is 'Asked with a person''s own key: it cost us nothing';
alter table public.daily_totals enable row level security;
revoke all on table public.daily_totals from public, anon, authenticated, service_role;

-- What a person's AI calls came to in a month: the sums of api_usage, kept as counters and never dropped.

create table public.monthly_api_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  month date not null check (extract(day from month) = 1),
  provider text not null,
  model text not null,
  is_own_key boolean not null,
  calls integer not null check (calls >= 0),
  errors integer not null check (errors >= 0),
  tokens_in bigint not null check (tokens_in >= 0),
  tokens_out bigint not null check (tokens_out >= 0),
  cost numeric(16, 8) not null check (cost >= 0),
  ms bigint not null check (ms >= 0),
  primary key (user_id, month, provider, model, is_own_key)
);

comment on table public.monthly_api_usage is 'What a person''s AI calls came to in a month';
comment on column public.monthly_api_usage.month is 'Its first day, in the time zone of the setting quota_timezone';
comment on column public.monthly_api_usage.errors is 'Calls that brought no answer: their api_usage.status is neither ok nor part';
comment on column public.monthly_api_usage.cost is 'US dollars, as far as the providers say';
comment on column public.monthly_api_usage.ms is 'Milliseconds of all calls together';
alter table public.monthly_api_usage enable row level security;
revoke all on table public.monthly_api_usage from public, anon, authenticated, service_role;

-- Tells what a person may still ask today and this month, over all bots.
--
-- Twice or at once: only reads. Whoever means to spend a request locks the person's row first.
-- Returns: plan (NONE, which allows nothing, when no plan covers the level), its features and history_length;
--   for the day and the month (in quota_timezone) when each begins and ends, what of the plan is used and
--   allowed (null is no limit).
-- Errors: none.
create or replace function private.quota(
  p_user_id bigint,
  p_vip_level integer,
  out plan text,
  out features text[],
  out history_length integer,
  out day date,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month date,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_timezone text := private.setting('quota_timezone');
begin
  day := (private.clock() at time zone v_timezone)::date;
  resets_at := (day + 1)::timestamp at time zone v_timezone;
  month := date_trunc('month', day::timestamp)::date;
  month_resets_at := (month + interval '1 month') at time zone v_timezone;
  select l.plan, l.features, l.history_length, l.daily_requests, l.monthly_requests
    into plan, features, history_length, daily_requests, monthly_requests
    from public.subscription_limits as l
   where l.vip_level <= p_vip_level
   order by l.vip_level desc
   limit 1;
  if not found then
    -- Somebody deleted the plan. Nothing is not the same as no limit.
    plan := 'NONE';
    features := '{}';
    daily_requests := 0;
  end if;
  select coalesce(sum(u.requests), 0) into requests
    from public.daily_usage as u
   where u.user_id = p_user_id and u.day = quota.day;
  select coalesce(sum(u.requests), 0) into month_requests
    from public.monthly_usage as u
   where u.user_id = p_user_id and u.month = quota.month;
end
$$;

revoke all on function private.quota from public, anon, authenticated;
comment on function private.quota is 'What a person may still ask today and this month';

-- Gives one AI request back to where it was taken from: the plan's day and month, or the bonus credits.
--
-- Twice or at once: the caller holds the update's row and asks only while that says "reserved". The person's
--   row is locked before the counters, as when a request is taken. What an admin gave back meanwhile is not
--   given a second time: the month follows the day.
-- Returns: nothing.
-- Errors: none.
create or replace function private.release_usage(
  p_user_id bigint, p_bot text, p_day date, p_reserved_from text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_is_bonus integer := (p_reserved_from = 'bonus')::integer;
  v_is_plan integer := 1 - v_is_bonus;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if v_is_bonus > 0 then
    update public.users as u set bonus_credits = u.bonus_credits + 1 where u.id = p_user_id;
  end if;
  update public.daily_usage as u
     set requests = u.requests - v_is_plan,
         bonus_requests = u.bonus_requests - v_is_bonus
   where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day
     and u.requests >= v_is_plan and u.bonus_requests >= v_is_bonus;
  if found then
    update public.monthly_usage as u
       set requests = u.requests - v_is_plan,
           bonus_requests = u.bonus_requests - v_is_bonus
     where u.user_id = p_user_id and u.month = date_trunc('month', p_day::timestamp)::date
       and u.requests >= v_is_plan and u.bonus_requests >= v_is_bonus;
  end if;
end
$$;

revoke all on function private.release_usage from public, anon, authenticated;
comment on function private.release_usage is 'Gives one AI request back';

-- Takes one AI request off what a person has, before the AI is asked: off the plan while its day and its month
-- both have one, then off the bonus credits.
--
-- Twice or at once: the person's row is locked, so of two requests at the last free place one gets it. The
--   caller holds the update's row and asks only when that has no reservation yet.
-- Returns: the day it counts for (and so the month) and what it was taken from (plan | bonus); both null when
--   nothing is left.
-- Errors: 40001, the person was erased this moment; the same call once more finds them new.
create or replace function private.reserve_usage(
  p_user_id bigint, p_bot text, out reserved_on date, out reserved_from text
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
  v_quota record;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the person was erased this moment' using errcode = '40001';
  end if;
  v_quota := private.quota(p_user_id, v_user.vip_level);
  if coalesce(v_quota.requests < v_quota.daily_requests, true)
    and coalesce(v_quota.month_requests < v_quota.monthly_requests, true)
  then
    reserved_from := 'plan';
  elsif v_user.bonus_credits > 0 then
    reserved_from := 'bonus';
    update public.users as u set bonus_credits = u.bonus_credits - 1 where u.id = p_user_id;
  else
    return;
  end if;
  reserved_on := v_quota.day;
  insert into public.daily_usage as u (user_id, bot, day, requests, bonus_requests)
  values (
    p_user_id, p_bot, v_quota.day, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, day, bot) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  insert into public.monthly_usage as u (user_id, month, requests, bonus_requests)
  values (
    p_user_id, v_quota.month, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, month) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated;
comment on function private.reserve_usage is 'Takes one AI request off what a person has left';

-- Finds the person behind a Telegram account, or creates them; takes over what Telegram says of them now.
--
-- Twice or at once: two first messages meet in the unique telegram_id, and both get the one row. Nothing is
--   written while nothing changed, but for last_activity every five minutes. Whoever makes the row counts
--   the new person in daily_totals.
-- Returns: the row. p_person is Telegram's User; its hash, if there is one, finds what a person who was erased
--   must not collect again.
-- Errors: none.
create or replace function private.upsert_user(p_person jsonb, p_now timestamptz)
returns public.users
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_telegram_id bigint := (p_person ->> 'id')::bigint;
  v_user public.users;
  v_stored record;
begin
  select u.* into v_user from public.users as u where u.telegram_id = v_telegram_id;
  if found
    and v_user.last_activity > p_now - interval '5 minutes'
    and v_user.username is not distinct from p_person ->> 'username'
    and v_user.first_name = coalesce(p_person ->> 'first_name', '')
    and v_user.last_name is not distinct from p_person ->> 'last_name'
    and v_user.language_code is not distinct from p_person ->> 'language_code'
  then
    return v_user;
  end if;

  insert into public.users as u
    (telegram_id, username, first_name, last_name, language_code, created_at, last_activity)
  values (
    v_telegram_id, p_person ->> 'username', coalesce(p_person ->> 'first_name', ''),
    p_person ->> 'last_name', p_person ->> 'language_code', p_now, p_now
  )
  on conflict (telegram_id) do update
    set username = excluded.username,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        language_code = excluded.language_code,
        last_activity = greatest(u.last_activity, excluded.last_activity)
  -- A row that was there has been locked by this transaction, which its xmax names; a new one has none.
  returning u as person, u.xmax = 0 as is_new into v_stored;
  v_user := v_stored.person;
  if v_stored.is_new then
    perform private.count_new_person(v_user.id, p_now);
    if p_person ? 'hash' then
      v_user := private.restore_person(v_user.id, p_person ->> 'hash');
    end if;
  end if;
  return v_user;
end
$$;

revoke all on function private.upsert_user from public, anon, authenticated;
comment on function private.upsert_user is 'Finds or creates the person behind a Telegram account';

-- Gives a person today's requests back, over all bots, in an admin's name: to the day and to the month.
--
-- Twice or at once: the person's row is locked, as it is for every request that is reserved; with a reference
--   it acts once, and a repetition is answered with what it did then. Without one, every call acts.
-- Returns: jsonb {applied, before, after}: requests of today.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action or person.
create or replace function public.admin_reset_user_usage(
  p_user_id bigint, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_vip_level integer;
  v_quota record;
  v_requests integer;
  v_known public.audit_log;
begin
  select u.vip_level into v_vip_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'reset_user_usage', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'requests', 'after', v_known.after -> 'requests'
    );
  end if;

  v_quota := private.quota(p_user_id, v_vip_level);
  -- Counted under the lock: a failed request is given back without asking for the person's row.
  select coalesce(sum(l.requests), 0) into v_requests
    from (
      select d.requests
        from public.daily_usage as d
       where d.user_id = p_user_id and d.day = v_quota.day
         for update
    ) as l;
  update public.daily_usage as d
     set requests = 0
   where d.user_id = p_user_id and d.day = v_quota.day and d.requests > 0;
  update public.monthly_usage as m
     set requests = greatest(m.requests - v_requests, 0)
   where m.user_id = p_user_id and m.month = v_quota.month;
  perform private.write_audit(
    v_email, 'reset_user_usage', p_user_id, p_reference,
    jsonb_build_object('requests', v_requests, 'day', v_quota.day),
    jsonb_build_object('requests', 0, 'day', v_quota.day)
  );
  return jsonb_build_object('applied', true, 'before', v_requests, 'after', 0);
end
$$;

revoke all on function public.admin_reset_user_usage from public, anon, authenticated;
grant execute on function public.admin_reset_user_usage to bot_backend, service_role;
comment on function public.admin_reset_user_usage is 'Gives a person today''s requests back in an admin''s name';

-- Erases the person of an update, as the last thing that this update does. What accounting needs stays and
-- belongs to nobody: the ledger, whose remaining balance is booked out first, and what admins did. Whoever they
-- brought, or were brought by, keeps what they got.
--
-- Twice or at once: the caller holds the update's row and the person alone (private.hold_person), so every
--   change of theirs is committed or will find nobody. Their updates that others hold right now are passed over:
--   those strip them themselves, there, when they come to the person.
-- Returns: nothing. p_erasure {hash, balance}: what remembers them in erased_people, and the balance that they
--   agreed to lose. The update keeps its answer, without the chat it goes to; calls that it owes stay until
--   they are made.
-- Errors: Y0001, the balance is more than was agreed to.
create or replace function private.erase_person(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is more than the person agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference tells nothing of whose it was.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.remember_person(v_user, p_erasure ->> 'hash');

  update public.telegram_updates as t
     set chat_id = null, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.strip_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  -- Bodies that nobody could read: whose they are, only their text may tell.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'unusable' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - 'reason', after = l.after - 'reason'
   where l.user_id = v_user.id;
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  -- All else goes, or belongs to nobody from now on, by its foreign key.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_person from public, anon, authenticated;
comment on function private.erase_person is 'Erases the person of an update';

-- Collects what is stored about a person, but for the conversation.
--
-- Twice or at once: only reads.
-- Returns: jsonb, one key a subject; of the AI calls the newest 10,000, the months have them all. Each has a title and an explanation in shared/texts (mydata_<subject>).
-- Errors: none.
create or replace function private.person_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'person', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'referrals', jsonb_build_object(
      'came', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'brought', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.person_sections from public, anon, authenticated;
comment on function private.person_sections is 'What is stored about a person, but for the conversation';

-- Keeps what a person who is being erased must not collect again, under a hash that tells nobody who it was.
--
-- Twice or at once: the caller holds the person alone. Who was erased before, came back and is erased again
--   has one row. Of somebody who used nothing nothing is kept.
-- Returns: nothing.
-- Errors: none.
create or replace function private.remember_person(p_user public.users, p_hash text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_used jsonb := jsonb '{}';
  v_usage jsonb := jsonb '{}';
  v_daily jsonb;
  v_monthly jsonb;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  if p_user.banned_at is not null then
    v_used := v_used || jsonb_build_object('banned_at', p_user.banned_at);
  end if;
  select jsonb_agg(jsonb_build_object('bot', d.bot, 'day', d.day, 'requests', d.requests)) into v_daily
    from public.daily_usage as d
   where d.user_id = p_user.id
     and d.day >= v_today
     and d.requests > 0;
  if v_daily is not null then
    v_usage := jsonb_build_object('daily', v_daily);
  end if;
  select jsonb_agg(jsonb_build_object('month', m.month, 'requests', m.requests)) into v_monthly
    from public.monthly_usage as m
   where m.user_id = p_user.id
     and m.month >= date_trunc('month', v_today::timestamp)
     and m.requests > 0;
  if v_monthly is not null then
    v_usage := v_usage || jsonb_build_object('monthly', v_monthly);
  end if;
  if v_used = '{}' and v_usage = '{}' then
    return;
  end if;
  insert into public.erased_people as e (person_hash, used, usage)
  values (decode(p_hash, 'hex'), v_used, v_usage)
  on conflict (person_hash) do update
    set used = e.used || excluded.used,
        usage = excluded.usage,
        erased_at = excluded.erased_at;
end
$$;

revoke all on function private.remember_person from public, anon, authenticated;
comment on function private.remember_person is 'Keeps what an erased person must not collect again';

-- Gives somebody who was erased and comes back what they had used up: a referral, today's and this month's
-- requests, a ban.
-- Everything else begins anew.
--
-- Twice or at once: the caller has just made the person's row. What was kept moves there, and is kept again
--   when they are erased again.
-- Returns: the person's row.
-- Errors: none.
create or replace function private.restore_person(p_user_id bigint, p_hash text)
returns public.users
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kept public.erased_people;
  v_user public.users;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  delete from public.erased_people as e where e.person_hash = decode(p_hash, 'hex') returning e.* into v_kept;
  if found then
    update public.users as u
       set is_newcomer = u.is_newcomer and not v_kept.used ? 'referral',
           banned_at = (v_kept.used ->> 'banned_at')::timestamptz
     where u.id = p_user_id;
    insert into public.daily_usage (user_id, bot, day, requests)
    select p_user_id, d.bot, d.day, d.requests
      from jsonb_to_recordset(v_kept.usage -> 'daily') as d (bot text, day date, requests integer)
     where d.day >= v_today;
    insert into public.monthly_usage (user_id, month, requests)
    select p_user_id, m.month, m.requests
      from jsonb_to_recordset(v_kept.usage -> 'monthly') as m (month date, requests integer)
     where m.month >= date_trunc('month', v_today::timestamp);
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id;
  return v_user;
end
$$;

revoke all on function private.restore_person from public, anon, authenticated;
comment on function private.restore_person is 'Gives somebody who comes back what they had used up';

-- Completes a pending referral: both sides get their credits, or the referrer's day is full and nobody does.
--
-- Twice or at once: both people are locked in the order of their ids, so that two referrals that cross wait
--   for each other and never for ever; the status is read under the lock and changes once.
-- Returns: completed | already_completed | limit_reached | not_new (the two brought each other). When the
--   referrer was erased, the one they brought still gets theirs.
-- Errors: none.
create or replace function private.settle_referral(p_referred_id bigint)
returns text
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_referral public.user_referrals;
  v_day_begins timestamptz;
  v_timezone text := private.setting('quota_timezone');
  v_today integer;
begin
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id;
  perform from public.users as u
    where u.id in (v_referral.referrer_id, p_referred_id)
    order by u.id
      for no key update;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id for update;
  if v_referral.id is null then  -- erased meanwhile
    return 'not_new';
  elsif v_referral.status = 'completed' then
    return 'already_completed';
  elsif v_referral.status = 'limit_reached' then
    return 'limit_reached';
  elsif exists (
    select from public.user_referrals as r
     where r.referred_id = v_referral.referrer_id
       and r.referrer_id = p_referred_id
       and r.status = 'completed'
  ) then
    return 'not_new';
  end if;

  v_day_begins := date_trunc('day', v_now at time zone v_timezone) at time zone v_timezone;
  select count(*) into v_today
    from public.user_referrals as r
   where r.referrer_id = v_referral.referrer_id
     and r.status = 'completed'
     and r.completed_at >= v_day_begins;
  if v_today >= private.setting('referral_daily_limit')::integer then
    update public.user_referrals as r
       set status = 'limit_reached', completed_at = v_now
     where r.id = v_referral.id;
    return 'limit_reached';
  end if;

  update public.user_referrals as r
     set status = 'completed',
         completed_at = v_now,
         referrer_credits = case
           when r.referrer_id is null then 0
           else private.setting('referral_referrer_credits')::integer
         end,
         referred_credits = private.setting('referral_referred_credits')::integer
   where r.id = v_referral.id
  returning r.* into v_referral;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referrer_credits,
         referral_credits = u.referral_credits + v_referral.referrer_credits,
         total_referrals = u.total_referrals + 1
   where u.id = v_referral.referrer_id;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referred_credits
   where u.id = p_referred_id;
  return 'completed';
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated;
comment on function private.settle_referral is 'Completes a pending referral';

-- The second of the two calls of an update: commits all that its handler changed, and its answer, together.
--
-- Twice or at once: the row is locked and its attempt compared. A worker that lost its lease changes nothing;
--   a repeated call after a lost answer changes nothing either and gets the same answer. Session data are
--   changed key by key, never written back whole, so a button and a message at once lose nothing.
--   A reserved request that the handler did not settle is given back, whatever p_reservation says. The calls
--   to AI providers (p_usage, see private.record_usage) are written down by whoever finishes, so they count once.
--   Of a person who was erased meanwhile nothing is written; p_session with erase {hash, balance} erases them now.
--   Of two updates that tell a person of their ban (p_session has ban_told) the first one's answer is kept.
-- Returns: json {outcome: finished | superseded, outgoing: [id], notice, withheld}: the ids of p_outgoing in
--   order, what somebody else is to hear of now (private.serve_newcomer) or null, and whether p_answer must
--   not be given: the person was told already.
-- Errors: Y0001, see private.erase_person.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]',
  p_usage jsonb default '[]'
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_outgoing json := '[]'::json;
  v_notice json;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return json_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(json_agg(o.id order by o.id), '[]'::json) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return json_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.hold_person(v_update, p_session ? 'erase') then
    return json_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    perform private.release_usage(
      v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from
    );
    v_update.reservation := 'released';
  elsif p_reservation = 'settled' then
    v_notice := private.serve_newcomer(v_update.user_id, p_bot, p_update_id);
  end if;
  if p_session ? 'ban_told' and not private.tell_ban(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  perform private.change_session(v_update, p_session, p_reservation);
  if p_messages <> '[]' then
    insert into public.messages (user_id, bot, chat_id, role, content, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, m.value ->> 'role', m.value ->> 'content', v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.owe_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = 'finished',
         payload = null,
         error = null,
         lease_until = null,
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = v_answer
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_person(v_update, p_session -> 'erase');
  end if;
  return json_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'notice', v_notice,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated;
grant execute on function public.finish_update to bot_backend, service_role;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- The first of the two calls of an update: stores it, drops duplicates, takes the lease, and loads all that
-- a handler may want to know.
--
-- Twice or at once: see private.take_update. Whoever takes over the work of a dead worker finds the request
--   that one reserved still reserved, and reserves no second one; the day stays the day of the first. An update
--   that came before its person was erased is over, and nobody is made of it.
--   p_person is Telegram's User, with hash: what remembers them in erased_people.
-- Returns: json
--   {outcome: work, attempt, failures, user, session, usage, reservation, history}
--     user    {id, telegram_id, is_new, language, language_code, vip_level, balance, currency,
--             created_at, is_admin, admin_email, ban: {reason, told} | null}
--     session {mode, data}
--     usage   {plan, features, requests, daily_requests, resets_at, month_requests, monthly_requests,
--             month_resets_at, bonus_credits, timezone}
--     reservation: reserved | refused | null (not asked for, a question awaits its answer, or banned)
--     history [{role, content}], the oldest first; no more than p_history and the plan allow
--   {outcome: dead, attempt, failures, user: {language, language_code}}   put it aside
--   {outcome: busy, retry_after}                     seconds
--   {outcome: finished, answer, outgoing}            the stored answer, unless it is known to have arrived;
--                                                    outgoing [{id, method, parameters}] still owed
-- Errors: 40001, the person was erased this moment; the same call once more finds them new.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_person jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_taken record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_quota record;
  v_reserved record;
begin
  -- The update's row before the person's, as everybody else locks them: no two wait for each other.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.hold_person(v_known) or v_known.status in ('finished', 'set_aside')
  ) then
    return private.answer_again(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_person, v_now);
  select * into v_taken from private.take_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now
  );
  if v_taken.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_taken.lease_until - private.clock()))
    );
  elsif v_taken.outcome = 'finished' then
    -- Another delivery finished it since we looked, perhaps by erasing the person.
    if v_user.created_at = v_now then
      raise exception 'the person was erased this moment' using errcode = '40001';
    end if;
    return private.answer_again(p_bot, p_update_id, p_chat_id);
  elsif v_taken.outcome = 'dead' then
    return json_build_object(
      'outcome', 'dead', 'attempt', v_taken.attempt, 'failures', v_taken.deaths,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  v_session := private.open_session(v_user.id, p_bot, p_chat_id);
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  if p_reserve
    and not v_banned
    and v_taken.reservation is distinct from 'reserved'
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(v_user.id, p_bot);
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_taken.reservation := case when v_reserved.reserved_on is null then 'refused' else 'reserved' end;
    update public.telegram_updates as t
       set reservation = v_taken.reservation,
           reserved_on = v_reserved.reserved_on,
           reserved_from = v_reserved.reserved_from
     where t.bot = p_bot and t.update_id = p_update_id;
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);

  return json_build_object(
    'outcome', 'work',
    'attempt', v_taken.attempt,
    'failures', v_taken.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_user.created_at = v_taken.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'currency', private.setting('balance_currency'),
      'created_at', v_user.created_at,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'told', v_user.ban_told
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', private.setting('quota_timezone')
    ),
    'reservation', v_taken.reservation,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, least(p_history, v_quota.history_length)
      )
      else '[]'::json
    end
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated;
grant execute on function public.receive_update to bot_backend, service_role;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Keeps the hot tables small and gives back what vanished workers hold: requests reserved by updates that
-- are older than ten minutes and that nobody works on, finished and put-aside updates past their retention, old
-- messages, and used requests of people who are erased. Ends the subscriptions whose time is over, makes the
-- months of api_usage ahead and drops the old ones.
--
-- Twice or at once: rows that another sweep or a worker holds are skipped.
-- Returns: json {released, updates, messages, erased, subscriptions, months}: how many of each, p_limit of each
--   kind at most.
-- Errors: none of its own.
create or replace function public.sweep(p_limit integer default 1000)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_stale public.telegram_updates;
  v_released integer := 0;
  v_updates integer;
  v_messages integer;
  v_erased integer;
  v_subscriptions integer;
  v_months integer;
begin
  for v_stale in
    select t.*
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < v_now - interval '30 seconds'
       and t.received_at < v_now - interval '10 minutes'
       and t.reservation = 'reserved'
     order by t.user_id
     limit p_limit
       for update skip locked
  loop
    continue when not private.hold_person(v_stale);
    perform private.release_usage(
      v_stale.user_id, v_stale.bot, v_stale.reserved_on, v_stale.reserved_from
    );
    update public.telegram_updates as t
       set reservation = null, reserved_on = null, reserved_from = null
     where t.bot = v_stale.bot and t.update_id = v_stale.update_id;
    v_released := v_released + 1;
  end loop;

  delete from public.telegram_updates as t
   using (
     select o.bot, o.update_id
       from public.telegram_updates as o
      where o.received_at < v_now - make_interval(hours => private.setting('retention_updates_hours')::integer)
        and (
          o.status <> 'set_aside'
          or o.received_at < v_now - make_interval(days => private.setting('retention_set_aside_days')::integer)
        )
      order by o.received_at
      limit p_limit
        for update skip locked
   ) as old
   where t.bot = old.bot and t.update_id = old.update_id;
  get diagnostics v_updates = row_count;

  delete from public.messages as m
   using (
     select o.id
       from public.messages as o
      where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
      order by o.created_at
      limit p_limit
        for update skip locked
   ) as old
   where m.id = old.id;
  get diagnostics v_messages = row_count;
  v_erased := private.forget_usage(p_limit);
  v_subscriptions := private.expire_subscriptions(p_limit);
  v_months := private.keep_usage_months();
  return json_build_object(
    'released', v_released,
    'updates', v_updates,
    'messages', v_messages,
    'erased', v_erased,
    'subscriptions', v_subscriptions,
    'months', v_months
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated;
grant execute on function public.sweep to bot_backend, service_role;
comment on function public.sweep is 'Releases stale reservations and drops what is past its retention';

-- Adds a person who is seen for the first time to their day's total.
--
-- Twice or at once: the caller has just made the person's row, which happens once.
-- Returns: nothing.
-- Errors: none.
create or replace function private.count_new_person(p_user_id bigint, p_now timestamptz)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into public.daily_totals as t (day, provider, model, is_own_key, shard, new_people)
  values (
    (p_now at time zone private.setting('quota_timezone'))::date, '', '', false, p_user_id & 15, 1
  )
  on conflict (day, provider, model, is_own_key, shard) do update
    set new_people = t.new_people + excluded.new_people;
$$;

revoke all on function private.count_new_person from public, anon, authenticated;
comment on function private.count_new_person is 'Adds a new person to their day''s total';

-- Drops one partition of api_usage with all its rows; what they add up to stays in the counters.
--
-- Twice or at once: a second run finds it gone. Whoever writes waits for a moment; when the table is in use
--   for longer, it is put off to the next run.
-- Returns: whether it dropped it.
-- Errors: none.
create or replace function private.drop_usage_month(p_name text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
set lock_timeout = '200ms'
as $$
begin
  execute format('drop table if exists public.%I', p_name);
  return true;
exception when lock_not_available then
  return false;
end
$$;

revoke all on function private.drop_usage_month from public, anon, authenticated;
comment on function private.drop_usage_month is 'Drops one partition of api_usage';

-- Tells all about a person's usage: the plan, what is used and left of the day and the month, the last 30 days,
-- the AI calls of the month by provider, and what invitations brought.
--
-- Twice or at once: only reads: counters and at most 30 days of them, however long somebody is with us.
-- Returns: jsonb
--   plan, features [text], history_length (null: MAX_HISTORY_LENGTH), timezone, bonus_credits
--   day, month   {begins, used (of the plan), bonus_used, limit, remaining, resets_at}; limit null: none;
--                remaining: what may still be asked, bonus credits included, null: no limit
--   days         [{day, requests, bonus_requests, own_key_requests}], 30 of them, today last
--   providers    [{provider, calls, errors, own_key_calls, tokens_in, tokens_out, cost and own_key_cost (US
--                dollars, as far as the provider says), average_ms}] of this month, the most used first
--   referrals    {total (that counted), pending (1000 stands for more), earned (bonus credits)}
-- Errors: U0001, there is no such person.
create or replace function public.get_user_usage_stats(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
  v_quota record;
  v_days jsonb;
  v_providers jsonb;
  v_bonus_today integer;
  v_bonus_month integer;
  v_pending integer;
  v_left_today bigint;
  v_left_month bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    raise exception 'there is no such person' using errcode = 'U0001';
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  -- Without a limit null, which "least" passes over.
  v_left_month := case
    when v_quota.monthly_requests is not null
    then greatest(v_quota.monthly_requests - v_quota.month_requests, 0)
  end;
  v_left_today := least(
    case when v_quota.daily_requests is not null then greatest(v_quota.daily_requests - v_quota.requests, 0) end,
    v_left_month
  );

  select
    jsonb_agg(
      jsonb_build_object(
        'day', d.day,
        'requests', d.requests,
        'bonus_requests', d.bonus_requests,
        'own_key_requests', d.own_key_requests
      )
      order by d.day
    ),
    sum(d.bonus_requests) filter (where d.day = v_quota.day)
    into v_days, v_bonus_today
    from (
      select
        g.day::date as day,
        coalesce(sum(u.requests), 0) as requests,
        coalesce(sum(u.bonus_requests), 0) as bonus_requests,
        coalesce(sum(u.own_key_requests), 0) as own_key_requests
        from generate_series((v_quota.day - 29)::timestamp, v_quota.day::timestamp, interval '1 day') as g (day)
        left join (
          select r.day, r.requests, r.bonus_requests, r.own_key_requests
            from public.daily_usage as r
           where r.user_id = p_user_id and r.day between v_quota.day - 29 and v_quota.day
        ) as u on u.day = g.day::date
       group by g.day
    ) as d;
  select coalesce(sum(m.bonus_requests), 0) into v_bonus_month
    from public.monthly_usage as m
   where m.user_id = p_user_id and m.month = v_quota.month;
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'provider', s.provider,
          'calls', s.calls,
          'errors', s.errors,
          'own_key_calls', s.own_key_calls,
          'tokens_in', s.tokens_in,
          'tokens_out', s.tokens_out,
          'cost', s.cost,
          'own_key_cost', s.own_key_cost,
          'average_ms', round(s.ms / s.calls)
        )
        order by s.calls desc, s.provider
      ),
      '[]'
    )
    into v_providers
    from (
      select
        m.provider, sum(m.calls) as calls, sum(m.errors) as errors,
        coalesce(sum(m.calls) filter (where m.is_own_key), 0) as own_key_calls,
        sum(m.tokens_in) as tokens_in, sum(m.tokens_out) as tokens_out, sum(m.cost) as cost,
        coalesce(sum(m.cost) filter (where m.is_own_key), 0) as own_key_cost, sum(m.ms) as ms
        from public.monthly_api_usage as m
       where m.user_id = p_user_id and m.month = v_quota.month
       group by m.provider
    ) as s;
  select count(*) into v_pending
    from (
      select from public.user_referrals as r
       where r.referrer_id = p_user_id and r.status = 'pending'
       limit 1000
    ) as p;

  return jsonb_build_object(
    'plan', v_quota.plan,
    'features', v_quota.features,
    'history_length', v_quota.history_length,
    'timezone', private.setting('quota_timezone'),
    'bonus_credits', v_user.bonus_credits,
    'day', jsonb_build_object(
      'begins', v_quota.day,
      'used', v_quota.requests,
      'bonus_used', v_bonus_today,
      'limit', v_quota.daily_requests,
      'remaining', v_left_today + v_user.bonus_credits,
      'resets_at', v_quota.resets_at
    ),
    'month', jsonb_build_object(
      'begins', v_quota.month,
      'used', v_quota.month_requests,
      'bonus_used', v_bonus_month,
      'limit', v_quota.monthly_requests,
      'remaining', v_left_month + v_user.bonus_credits,
      'resets_at', v_quota.month_resets_at
    ),
    'days', v_days,
    'providers', v_providers,
    'referrals', jsonb_build_object(
      'total', v_user.total_referrals, 'pending', v_pending, 'earned', v_user.referral_credits
    )
  );
end
$$;

revoke all on function public.get_user_usage_stats from public, anon, authenticated;
grant execute on function public.get_user_usage_stats to bot_backend, service_role;
comment on function public.get_user_usage_stats is 'All about a person''s usage, in constant time';

-- Keeps a partition of api_usage for this month, the two after it and every month that has rows in the default
-- one, and drops those past the setting retention_usage_months.
--
-- Twice or at once: see private.make_usage_month and private.drop_usage_month.
-- Returns: how many partitions were made or dropped.
-- Errors: none.
create or replace function private.keep_usage_months()
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
set timezone = 'UTC'
as $$
declare
  v_this_month timestamptz := date_trunc('month', private.clock());
  v_oldest timestamptz := v_this_month
    - make_interval(months => greatest(private.setting('retention_usage_months')::integer, 1));
  v_month timestamptz;
  v_name text;
  v_changed integer := 0;
begin
  for v_month in
    select g.month
      from generate_series(v_this_month, v_this_month + interval '2 months', interval '1 month') as g (month)
    union
    select date_trunc('month', d.created_at) from public.api_usage_default as d
  loop
    v_changed := v_changed + private.make_usage_month(v_month)::integer;
  end loop;
  for v_name in
    select c.relname
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'public.api_usage'::regclass
       and c.relname ~ '^api_usage_\d{4}_\d{2}$'
       and to_date(right(c.relname, 7), 'YYYY_MM') < v_oldest
  loop
    v_changed := v_changed + private.drop_usage_month(v_name)::integer;
  end loop;
  return v_changed;
end
$$;

revoke all on function private.keep_usage_months from public, anon, authenticated;
comment on function private.keep_usage_months is 'Makes the months of api_usage ahead and drops the old ones';

-- Makes the partition of api_usage for one month (UTC) and moves what came before it out of the default one.
--
-- Twice or at once: its name is the month's, so what is there is left alone; of two runs one waits for the
--   default partition and finds nothing to do. A month ahead is made beside those who write; for one that has
--   begun they wait for a moment, because a row on its way into the default partition would be refused there.
-- Returns: whether it made one; false too when the table is in use for longer: the next run tries again.
-- Errors: none.
create or replace function private.make_usage_month(p_month timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
set timezone = 'UTC'
set lock_timeout = '200ms'
as $$
declare
  v_name text := 'api_usage_' || to_char(p_month, 'YYYY_MM');
  v_until timestamptz := p_month + interval '1 month';
begin
  if to_regclass('public.' || v_name) is not null then
    return false;
  end if;
  if p_month <= private.clock() then
    lock table public.api_usage in access exclusive mode;
  else
    lock table public.api_usage_default in access exclusive mode;
  end if;
  if to_regclass('public.' || v_name) is not null then
    return false;
  end if;
  execute format(
    'create table public.%I (like public.api_usage including defaults including constraints)', v_name
  );
  execute format('alter table public.%I enable row level security', v_name);
  execute format('revoke all on table public.%I from public, anon, authenticated, service_role', v_name);
  execute format(
    'with moved as (
       delete from public.api_usage_default where created_at >= %L and created_at < %L returning *
     )
     insert into public.%I select * from moved',
    p_month, v_until, v_name
  );
  execute format(
    'alter table public.api_usage attach partition public.%I for values from (%L) to (%L)',
    v_name, p_month, v_until
  );
  return true;
exception when lock_not_available then
  return false;
end
$$;

revoke all on function private.make_usage_month from public, anon, authenticated;
comment on function private.make_usage_month is 'Makes the partition of api_usage for one month';

-- Writes down what an update asked of AI providers: a row for each call, and the counters they add up to.
--
-- Twice or at once: the caller holds the update's row and calls once, in the transaction that finishes it.
--   Everybody takes the counters in the same order, and an update only one of a figure's sixteen rows.
-- Returns: nothing. p_usage is [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in,
--   tokens_out, cost, is_own_key}] in the order of the calls; the last of them made the answer, if any did.
--   p_is_settled: a reserved request was served. On an own key none is reserved, and the last call says it.
-- Errors: none.
create or replace function private.record_usage(
  p_update public.telegram_updates, p_usage jsonb, p_is_settled boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz;
  v_day date;
  v_shard integer := p_update.update_id & 15;
  v_last jsonb := p_usage -> -1;
  v_is_own boolean := coalesce((p_usage -> -1 ->> 'is_own_key')::boolean, false);
  v_requests integer := (p_is_settled or (v_is_own and v_last ->> 'status' in ('ok', 'part')))::integer;
begin
  if v_last is null and v_requests = 0 then
    return;
  end if;
  v_now := private.clock();
  v_day := (v_now at time zone private.setting('quota_timezone'))::date;

  if v_is_own and v_requests > 0 then
    insert into public.daily_usage as u (user_id, bot, day, own_key_requests)
    values (p_update.user_id, p_update.bot, v_day, 1)
    on conflict (user_id, day, bot) do update set own_key_requests = u.own_key_requests + 1;
  end if;
  if v_last is null then
    insert into public.daily_totals as t (day, provider, model, is_own_key, shard, requests)
    values (v_day, '', '', false, v_shard, v_requests)
    on conflict (day, provider, model, is_own_key, shard) do update
      set requests = t.requests + excluded.requests;
    return;
  end if;

  insert into public.api_usage (
    user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes,
    tokens_in, tokens_out, cost, is_own_key, created_at
  )
  select
    p_update.user_id, p_update.bot, c.provider, c.model, c.kind, c.status, c.ms, c.request_bytes,
    c.response_bytes, c.tokens_in, c.tokens_out, c.cost, c.is_own_key, v_now
    from jsonb_to_recordset(p_usage) as c (
      provider text, model text, kind text, status text, ms integer, request_bytes integer,
      response_bytes integer, tokens_in integer, tokens_out integer, cost numeric, is_own_key boolean
    );
  with sums as (
    select
      c.provider, c.model, c.is_own_key,
      count(*) as calls,
      count(*) filter (where c.status not in ('ok', 'part')) as errors,
      coalesce(sum(c.tokens_in), 0) as tokens_in,
      coalesce(sum(c.tokens_out), 0) as tokens_out,
      coalesce(sum(c.cost), 0) as cost,
      sum(c.ms) as ms
      from jsonb_to_recordset(p_usage) as c (
        provider text, model text, status text, ms integer, tokens_in integer, tokens_out integer,
        cost numeric, is_own_key boolean
      )
     group by c.provider, c.model, c.is_own_key
  ), months as (
    insert into public.monthly_api_usage as m
      (user_id, month, provider, model, is_own_key, calls, errors, tokens_in, tokens_out, cost, ms)
    select
      p_update.user_id, date_trunc('month', v_day::timestamp)::date, s.provider, s.model, s.is_own_key,
      s.calls, s.errors, s.tokens_in, s.tokens_out, s.cost, s.ms
      from sums as s
     order by s.provider, s.model, s.is_own_key
    on conflict (user_id, month, provider, model, is_own_key) do update
      set calls = m.calls + excluded.calls,
          errors = m.errors + excluded.errors,
          tokens_in = m.tokens_in + excluded.tokens_in,
          tokens_out = m.tokens_out + excluded.tokens_out,
          cost = m.cost + excluded.cost,
          ms = m.ms + excluded.ms
  )
  insert into public.daily_totals as t (
    day, provider, model, is_own_key, shard,
    requests, calls, errors, tokens_in, tokens_out, cost, ms
  )
  select
    v_day, s.provider, s.model, s.is_own_key, v_shard,
    case
      when s.provider = v_last ->> 'provider' and s.model = v_last ->> 'model' and s.is_own_key = v_is_own
      then v_requests
      else 0
    end,
    s.calls, s.errors, s.tokens_in, s.tokens_out, s.cost, s.ms
    from sums as s
   order by s.provider, s.model, s.is_own_key
  on conflict (day, provider, model, is_own_key, shard) do update
    set requests = t.requests + excluded.requests,
        calls = t.calls + excluded.calls,
        errors = t.errors + excluded.errors,
        tokens_in = t.tokens_in + excluded.tokens_in,
        tokens_out = t.tokens_out + excluded.tokens_out,
        cost = t.cost + excluded.cost,
        ms = t.ms + excluded.ms;
end
$$;

revoke all on function private.record_usage from public, anon, authenticated;
comment on function private.record_usage is 'Writes down an update''s calls to AI providers and what they add up to';

-- The column is new and the same in every row, so there is nothing to wait for.
-- squawk-ignore constraint-missing-not-valid
alter table public.daily_usage add constraint daily_usage_own_key_requests_check CHECK ((own_key_requests >= 0));

-- The column is new and the same in every row, so there is nothing to wait for.
-- squawk-ignore constraint-missing-not-valid
alter table public.subscription_limits add constraint subscription_limits_history_length_check CHECK ((history_length >= 0));

-- The column is new and the same in every row, so there is nothing to wait for.
-- squawk-ignore constraint-missing-not-valid
alter table public.subscription_limits add constraint subscription_limits_monthly_requests_check CHECK ((monthly_requests >= 0));

-- The column is new and the same in every row, so there is nothing to wait for.
-- squawk-ignore constraint-missing-not-valid
alter table public.users add constraint users_referral_credits_check CHECK ((referral_credits >= 0));

-- Small for a while yet, and written once per newcomer.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX user_referrals_pending_idx ON public.user_referrals USING btree (referrer_id) WHERE (status = 'pending'::text);

comment on column public.daily_usage.own_key_requests is 'Requests served on the person''s own key; no limit counts them';

comment on column public.erased_people.usage is 'Requests used on the day and in the month of the erasure, so that it gives no new ones';

comment on column public.subscription_limits.features is 'What the plan includes beside conversation: modes (the special ways of answering)';

comment on column public.subscription_limits.history_length is 'Messages of a conversation the AI is shown; null is as many as MAX_HISTORY_LENGTH';

comment on column public.subscription_limits.monthly_requests is 'AI requests a month over all bots; null is no limit but the days''';

comment on column public.users.referral_credits is 'Bonus credits that the person''s invitations brought, all together';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "retention_usage_months", "about": "How many past months the single AI calls are kept; their sums stay", "value": 13}') on conflict do nothing;

-- What every plan included until now; and the counters begin with what was counted so far.
update public.subscription_limits set features = '{modes}';
update public.subscription_limits set history_length = 50 where plan = 'FREE';

insert into public.monthly_usage (user_id, month, requests, bonus_requests)
select u.user_id, date_trunc('month', u.day::timestamp)::date, sum(u.requests), sum(u.bonus_requests)
from public.daily_usage as u
group by u.user_id, date_trunc('month', u.day::timestamp)::date;

update public.users as u
set referral_credits = r.credits
from (
  select i.referrer_id, sum(i.referrer_credits) as credits
  from public.user_referrals as i
  group by i.referrer_id
) as r
where r.referrer_id = u.id and r.credits > 0;
