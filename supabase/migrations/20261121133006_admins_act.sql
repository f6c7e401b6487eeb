-- Admins act.

-- Made anew below with one parameter more, which has a default, and its rights, in this transaction.
-- squawk-ignore ban-drop-function
drop function public.admin_add_bonus_credits(p_user_id bigint, p_credits integer, p_admin_email text, p_reference text);

alter table public.users add column ban_reason text;

alter table public.users add column ban_told boolean default false not null;

alter table public.users add column banned_at timestamp with time zone;

-- Keeps users.is_admin what admins say, and what follows from it: copies for the services that read users.
--
-- Twice or at once: sets what is true of the rows as they are.
-- Returns: null, as after-triggers may.
-- Errors: none.
create or replace function private.mark_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user_id bigint;
begin
  for v_user_id in
    update public.users as u
       set is_admin = exists (select from public.admins as a where a.telegram_id = u.telegram_id)
     where (tg_op <> 'INSERT' and u.telegram_id = old.telegram_id)
        or (tg_op <> 'DELETE' and u.telegram_id = new.telegram_id)
    returning u.id
  loop
    perform private.refresh_access(v_user_id);
  end loop;
  return null;
end
$$;

revoke all on function private.mark_admin from public, anon, authenticated;
comment on function private.mark_admin is 'Keeps users.is_admin what admins say';

-- Marks a person who is an admin already when they first write to a bot.
--
-- Twice or at once: changes the row that is being stored, nothing else.
-- Returns: the row.
-- Errors: none.
create or replace function private.mark_new_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  new.is_admin := exists (select from public.admins as a where a.telegram_id = new.telegram_id);
  new.is_paid := new.is_admin or new.is_paid;
  return new;
end
$$;

revoke all on function private.mark_new_admin from public, anon, authenticated;
comment on function private.mark_new_admin is 'Marks a person who is an admin when they first write';

-- Who has which plan until when, and by whose doing. users.vip_level and is_paid follow from the active rows
-- (private.refresh_access): of several plans at once the highest counts.
--
-- active ─▶ expired    its end has come (private.expire_subscriptions)
--    └────▶ canceled   ended before its time: taken back, or replaced by another of the same source

create table public.subscriptions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  plan text not null references public.subscription_limits (plan) on update cascade,
  source text not null check (source <> ''),
  status text not null default 'active' check (status in ('active', 'canceled', 'expired')),
  starts_at timestamptz not null default private.clock(),
  ends_at timestamptz check (ends_at >= starts_at),
  ended_at timestamptz check ((ended_at is null) = (status = 'active')),
  created_at timestamptz not null default private.clock()
);

create index subscriptions_user_idx on public.subscriptions (user_id, status);
create index subscriptions_plan_idx on public.subscriptions (plan);
-- The sweep looks for those whose end has come.
create index subscriptions_ends_at_idx on public.subscriptions (ends_at) where status = 'active';

comment on table public.subscriptions is 'Who has which plan until when';
comment on column public.subscriptions.source is 'Who gave it: admin, or a payment provider';
comment on column public.subscriptions.ends_at is 'When it ends by itself; null: never';
comment on column public.subscriptions.ended_at is 'When it stopped being active';
alter table public.subscriptions enable row level security;
revoke all on table public.subscriptions from public, anon, authenticated, service_role;
revoke all on sequence public.subscriptions_id_seq from public, anon, authenticated, service_role;

-- Notes that a banned person is being told of it.
--
-- Twice or at once: the row is locked, so of two updates at once one tells.
-- Returns: whether the notice is this caller's to give: false when it was given, or the ban is over.
-- Errors: none.
create or replace function private.tell_ban(p_user_id bigint)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.users as u
     set ban_told = true
   where u.id = p_user_id and u.banned_at is not null and not u.ban_told;
  return found;
end
$$;

revoke all on function private.tell_ban from public, anon, authenticated;
comment on function private.tell_ban is 'Notes that a banned person is being told of it';

-- Gives a person bonus credits in an admin's name; a number below zero takes some back, to zero at most.
--
-- Twice or at once: the person's row is locked; with a reference it acts once, and a repetition is answered
--   with what it did then. Without one, every call acts.
-- Returns: jsonb {applied, before, after}: bonus credits.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action, person
--   or number; N0004 the number or the reason is unusable.
create or replace function public.admin_add_bonus_credits(
  p_user_id bigint,
  p_credits integer,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_before integer;
  v_after integer;
  v_known public.audit_log;
begin
  if coalesce(p_credits, 0) = 0 or abs(p_credits) > 1000000 then
    raise exception 'the credits must be a number up to a million, and not zero' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason may have 500 characters' using errcode = 'N0004';
  end if;
  select u.bonus_credits into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'add_bonus_credits', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'credits')::integer <> p_credits then
      raise exception 'this reference is known with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false,
      'before', v_known.before -> 'bonus_credits',
      'after', v_known.after -> 'bonus_credits'
    );
  end if;

  v_after := greatest(v_before + p_credits, 0);
  update public.users as u set bonus_credits = v_after where u.id = p_user_id;
  perform private.write_audit(
    v_email, 'add_bonus_credits', p_user_id, p_reference,
    jsonb_build_object('bonus_credits', v_before),
    jsonb_strip_nulls(
      jsonb_build_object('bonus_credits', v_after, 'credits', p_credits, 'reason', v_reason)
    )
  );
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_add_bonus_credits from public, anon, authenticated;
grant execute on function public.admin_add_bonus_credits to bot_backend, service_role;
comment on function public.admin_add_bonus_credits is 'Gives a person bonus credits in an admin''s name';

-- Reads what admins did, the newest first, a page at a time; of one person where p_user_id is given.
--
-- Twice or at once: only reads, over an index. A page begins below p_before, so new entries move nothing.
-- Returns: jsonb {entries: [{id, admin_email, action, before, after, created_at, user: {telegram_id, username,
--   first_name} | null (erased)}], next, timezone}: next is p_before of the next page, or null.
-- Errors: N0001 not an admin.
create or replace function public.admin_audit(
  p_admin_email text, p_user_id bigint default null, p_before bigint default null, p_limit integer default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_ids bigint[];
  v_entries jsonb;
begin
  perform private.require_admin(p_admin_email);
  -- Two questions, so that each is answered by its own index.
  if p_user_id is null then
    v_ids := array(
      select l.id from public.audit_log as l where p_before is null or l.id < p_before
       order by l.id desc limit v_limit + 1
    );
  else
    v_ids := array(
      select l.id from public.audit_log as l
       where l.user_id = p_user_id and (p_before is null or l.id < p_before)
       order by l.user_id desc, l.id desc limit v_limit + 1
    );
  end if;
  select jsonb_agg(
      jsonb_build_object(
        'id', l.id,
        'admin_email', l.admin_email,
        'action', l.action,
        'before', l.before,
        'after', l.after,
        'created_at', l.created_at,
        'user', case when u.id is not null then jsonb_build_object(
          'telegram_id', u.telegram_id, 'username', u.username, 'first_name', u.first_name
        ) end
      )
      order by l.id desc
    ) into v_entries
    from public.audit_log as l
    left join public.users as u on u.id = l.user_id
   where l.id = any (v_ids[:v_limit]);
  return jsonb_build_object(
    'entries', coalesce(v_entries, '[]'::jsonb),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end,
    'timezone', private.setting('quota_timezone')
  );
end
$$;

revoke all on function public.admin_audit from public, anon, authenticated;
grant execute on function public.admin_audit to bot_backend, service_role;
comment on function public.admin_audit is 'What admins did, the newest first';

-- Keeps a person out of every bot in an admin's name: they are told once, and served no more.
--
-- Twice or at once: the person's row is locked; with a reference it acts once, and a repetition is answered
--   with what it did then. Somebody banned already gets the new reason and is not told again.
-- Returns: jsonb {applied, before, after}, each {banned_at, reason}.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action or person;
--   N0004 the reason is unusable; N0005 the person is an admin.
create or replace function public.admin_ban_user(
  p_user_id bigint, p_reason text, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_user public.users;
  v_known public.audit_log;
  v_before jsonb;
  v_after jsonb;
begin
  if length(v_reason) > 500 then
    raise exception 'the reason may have 500 characters' using errcode = 'N0004';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'ban_user', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object('applied', false, 'before', v_known.before, 'after', v_known.after);
  elsif v_user.is_admin then
    raise exception 'an admin cannot be banned' using errcode = 'N0005';
  end if;

  v_before := jsonb_build_object('banned_at', v_user.banned_at, 'reason', v_user.ban_reason);
  update public.users as u
     set banned_at = coalesce(u.banned_at, private.clock()), ban_reason = v_reason
   where u.id = p_user_id
  returning jsonb_build_object('banned_at', u.banned_at, 'reason', u.ban_reason) into v_after;
  perform private.write_audit(v_email, 'ban_user', p_user_id, p_reference, v_before, v_after);
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_ban_user from public, anon, authenticated;
grant execute on function public.admin_ban_user to bot_backend, service_role;
comment on function public.admin_ban_user is 'Keeps a person out of every bot in an admin''s name';

-- Finds a person by Telegram id or @name for an admin, with what is worth knowing before acting.
--
-- Twice or at once: only reads. A @name can have passed from one person to another: whoever wrote last of
--   those who had it has it now.
-- Returns: jsonb {id, telegram_id, username, first_name, last_name, language, is_admin, is_active, created_at,
--   last_activity, banned_at, ban_reason, plan, plan_ends_at, requests, daily_requests (null is no limit),
--   bonus_credits, balance (text), currency, total_referrals, timezone, plans (the names there are, the lowest
--   first)}, or null when there is nobody.
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
    'bonus_credits', v_user.bonus_credits,
    'balance', v_user.balance::text,
    'currency', private.setting('balance_currency'),
    'total_referrals', v_user.total_referrals,
    'timezone', private.setting('quota_timezone'),
    'plans', (select jsonb_agg(l.plan order by l.vip_level) from public.subscription_limits as l)
  );
end
$$;

revoke all on function public.admin_find_user from public, anon, authenticated;
grant execute on function public.admin_find_user to bot_backend, service_role;
comment on function public.admin_find_user is 'Finds a person by Telegram id or @name for an admin';

-- Gives a person today's requests back, over all bots, in an admin's name.
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
  update public.daily_usage as d
     set requests = 0
   where d.user_id = p_user_id and d.day = v_quota.day and d.requests > 0;
  perform private.write_audit(
    v_email, 'reset_user_usage', p_user_id, p_reference,
    jsonb_build_object('requests', v_quota.requests, 'day', v_quota.day),
    jsonb_build_object('requests', 0, 'day', v_quota.day)
  );
  return jsonb_build_object('applied', true, 'before', v_quota.requests, 'after', 0);
end
$$;

revoke all on function public.admin_reset_user_usage from public, anon, authenticated;
grant execute on function public.admin_reset_user_usage to bot_backend, service_role;
comment on function public.admin_reset_user_usage is 'Gives a person today''s requests back in an admin''s name';

-- Gives a person a plan in an admin's name, from now for p_days or without an end; the free plan takes back
-- what admins gave. What was bought stays: of several plans the highest counts.
--
-- Twice or at once: the person's row is locked; with a reference it acts once, and a repetition is answered
--   with what it did then. Days are counted from now, so a second gift does not add to the first.
-- Returns: jsonb {applied, before, after}, each {plan, ends_at}: what the person has, whoever gave it.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action, person,
--   plan or number; N0004 the number of days is unusable; N0006 there is no such plan.
create or replace function public.admin_set_plan(
  p_user_id bigint, p_plan text, p_days integer, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_email text := private.require_admin(p_admin_email);
  v_vip_level integer;
  v_known public.audit_log;
  v_before jsonb;
  v_after jsonb;
begin
  select l.vip_level into v_vip_level from public.subscription_limits as l where l.plan = p_plan;
  if not found then
    raise exception 'there is no such plan' using errcode = 'N0006';
  elsif p_days not between 1 and 3660 or (v_vip_level = 0 and p_days is not null) then
    raise exception 'days must be 1 to 3660, or none; the free plan has none' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'set_plan', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'given', (v_known.after ->> 'days')::integer) is distinct from (p_plan, p_days) then
      raise exception 'this reference is known with another plan or number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before, 'after', v_known.after - '{given,days}'::text[]
    );
  end if;

  v_before := private.plan_of(p_user_id);
  update public.subscriptions as s
     set status = 'canceled', ended_at = v_now
   where s.user_id = p_user_id and s.source = 'admin' and s.status = 'active';
  if v_vip_level > 0 then
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    values (p_user_id, p_plan, 'admin', v_now, v_now + make_interval(days => p_days));
  end if;
  perform private.refresh_access(p_user_id);
  v_after := private.plan_of(p_user_id);
  perform private.write_audit(
    v_email, 'set_plan', p_user_id, p_reference, v_before,
    v_after || jsonb_build_object('given', p_plan, 'days', p_days)
  );
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_set_plan from public, anon, authenticated;
grant execute on function public.admin_set_plan to bot_backend, service_role;
comment on function public.admin_set_plan is 'Gives a person a plan in an admin''s name';

-- Lets a banned person into the bots again in an admin's name. They are told nothing; their next update is served.
--
-- Twice or at once: the person's row is locked; with a reference it acts once, and a repetition is answered
--   with what it did then. Nothing changes for somebody who is not banned; it is written down all the same.
-- Returns: jsonb {applied, before, after}, each {banned_at, reason}.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action or person.
create or replace function public.admin_unban_user(
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
  v_user public.users;
  v_known public.audit_log;
  v_before jsonb;
  v_after constant jsonb := '{"banned_at": null, "reason": null}';
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'unban_user', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object('applied', false, 'before', v_known.before, 'after', v_known.after);
  end if;

  v_before := jsonb_build_object('banned_at', v_user.banned_at, 'reason', v_user.ban_reason);
  update public.users as u
     set banned_at = null, ban_reason = null, ban_told = false
   where u.id = p_user_id and u.banned_at is not null;
  perform private.write_audit(v_email, 'unban_user', p_user_id, p_reference, v_before, v_after);
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_unban_user from public, anon, authenticated;
grant execute on function public.admin_unban_user to bot_backend, service_role;
comment on function public.admin_unban_user is 'Lets a banned person into the bots again';

-- Writes down what an admin did.
--
-- Twice or at once: the reference is unique; of two different actions with one, the second is refused and so
--   undone. The caller has looked for it before (private.known_action), under the person's lock.
-- Returns: nothing.
-- Errors: N0003, the reference belongs to another action or person.
create or replace function private.write_audit(
  p_admin_email text, p_action text, p_user_id bigint, p_reference text, p_before jsonb, p_after jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into public.audit_log (admin_email, action, user_id, reference, before, after)
  values (p_admin_email, p_action, p_user_id, p_reference, p_before, p_after);
exception when unique_violation then
  raise exception 'this reference is known with another action or person' using errcode = 'N0003';
end
$$;

revoke all on function private.write_audit from public, anon, authenticated;
comment on function private.write_audit is 'Writes down what an admin did';

-- Collects what is stored about a person, but for the conversation.
--
-- Twice or at once: only reads.
-- Returns: jsonb, one key a subject. Each has a title and an explanation in shared/texts (mydata_<subject>).
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
     and d.day >= (private.clock() at time zone private.setting('quota_timezone'))::date
     and d.requests > 0;
  if v_daily is not null then
    v_usage := jsonb_build_object('daily', v_daily);
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

-- Gives somebody who was erased and comes back what they had used up: a referral, today's requests, a ban.
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
     where d.day >= (private.clock() at time zone private.setting('quota_timezone'))::date;
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id;
  return v_user;
end
$$;

revoke all on function private.restore_person from public, anon, authenticated;
comment on function private.restore_person is 'Gives somebody who comes back what they had used up';

-- What follows from a person's first served request: they are new no more, and whoever brought them hears of it.
--
-- Twice or at once: the caller holds the update's row; of two first requests at once the second finds the
--   referral completed. Nobody's row is locked before private.settle_referral locks both in their order.
-- Returns: json {id, method, parameters} of the notice that is owed to the referrer now, or null (nobody
--   brought them, or whoever did is banned and told nothing).
-- Errors: none.
create or replace function private.serve_newcomer(p_user_id bigint, p_bot text, p_update_id bigint)
returns json
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_referral public.user_referrals;
  v_parameters jsonb;
  v_id bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id and u.is_newcomer) then
    return null;
  end if;
  select r.* into v_referral
    from public.user_referrals as r
   where r.referred_id = p_user_id and r.status = 'pending';
  if not found or private.settle_referral(p_user_id) <> 'completed' then
    update public.users as u set is_newcomer = false where u.id = p_user_id;
    return null;
  end if;
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', 'referral_notice',
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', jsonb_build_object('name', n.first_name, 'credits', r.referrer_credits)
    )
    into v_parameters
    from public.user_referrals as r
    join public.users as u on u.id = r.referrer_id
    join public.users as n on n.id = r.referred_id
   where r.id = v_referral.id and u.banned_at is null;
  if not found then  -- whoever brought them was erased, or is banned and told nothing
    return null;
  end if;
  v_id := (
    private.owe_calls(
      p_bot, p_update_id, jsonb_build_array(jsonb_build_object('method', 'notice', 'parameters', v_parameters))
    ) ->> 0
  )::bigint;
  return json_build_object('id', v_id, 'method', 'notice', 'parameters', v_parameters);
end
$$;

revoke all on function private.serve_newcomer from public, anon, authenticated;
comment on function private.serve_newcomer is 'What follows from a person''s first served request';

-- Ends the subscriptions whose time is over, of p_limit people at most.
--
-- Twice or at once: people whose row somebody holds are skipped and found again by the next sweep; the row is
--   locked before their subscriptions, as everybody does.
-- Returns: of how many people.
-- Errors: none.
create or replace function private.expire_subscriptions(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_user_id bigint;
  v_people integer := 0;
begin
  for v_user_id in
    select u.id
      from public.users as u
     where u.id in (
       select s.user_id
         from public.subscriptions as s
        where s.status = 'active' and s.ends_at <= v_now
        order by s.ends_at
        limit p_limit
     )
     order by u.id
       for no key update skip locked
  loop
    update public.subscriptions as s
       set status = 'expired', ended_at = v_now
     where s.user_id = v_user_id and s.status = 'active' and s.ends_at <= v_now;
    if found then  -- another sweep may have done it between the two statements
      perform private.refresh_access(v_user_id);
      v_people := v_people + 1;
    end if;
  end loop;
  return v_people;
end
$$;

revoke all on function private.expire_subscriptions from public, anon, authenticated;
comment on function private.expire_subscriptions is 'Ends the subscriptions whose time is over';

-- Tells which plan a person has and until when.
--
-- Twice or at once: only reads.
-- Returns: jsonb {plan, ends_at}; ends_at is null without an end, and for the free plan.
-- Errors: none.
create or replace function private.plan_of(p_user_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select jsonb_build_object('plan', q.plan, 'ends_at', nullif(max(coalesce(s.ends_at, 'infinity')), 'infinity'))
    from public.users as u
    cross join lateral private.quota(u.id, u.vip_level) as q
    left join public.subscriptions as s
      on s.user_id = u.id and s.status = 'active' and s.plan = q.plan
   where u.id = p_user_id
   group by q.plan;
$$;

revoke all on function private.plan_of from public, anon, authenticated;
comment on function private.plan_of is 'Which plan a person has and until when';

-- Derives what a person may from what they have: vip_level is the highest of the active subscriptions' plans,
-- is_paid whether there is one above the free plan. An admin is always paid.
--
-- Twice or at once: the person's row is locked first, so the last of two calls sees what both changed.
-- Returns: nothing.
-- Errors: none.
create or replace function private.refresh_access(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
  v_vip_level integer;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select coalesce(max(l.vip_level), 0) into v_vip_level
    from public.subscriptions as s
    join public.subscription_limits as l on l.plan = s.plan
   where s.user_id = p_user_id
     and s.status = 'active'
     and (s.ends_at is null or s.ends_at > private.clock());
  if v_user.vip_level <> v_vip_level or v_user.is_paid <> (v_vip_level > 0 or v_user.is_admin) then
    update public.users as u
       set vip_level = v_vip_level, is_paid = v_vip_level > 0 or u.is_admin
     where u.id = p_user_id;
  end if;
end
$$;

revoke all on function private.refresh_access from public, anon, authenticated;
comment on function private.refresh_access is 'Derives vip_level and is_paid from the subscriptions';

-- The second of the two calls of an update: commits all that its handler changed, and its answer, together.
--
-- Twice or at once: the row is locked and its attempt compared. A worker that lost its lease changes nothing;
--   a repeated call after a lost answer changes nothing either and gets the same answer. Session data are
--   changed key by key, never written back whole, so a button and a message at once lose nothing.
--   A reserved request that the handler did not settle is given back, whatever p_reservation says. Of a
--   person who was erased meanwhile nothing is written; p_session with erase {hash, balance} erases them now.
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
  p_outgoing jsonb default '[]'
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
--     usage   {plan, requests, daily_requests, resets_at, timezone}
--     reservation: reserved | refused | null (not asked for, a question awaits its answer, or banned)
--     history [{role, content}], the oldest first
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
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'timezone', private.setting('quota_timezone')
    ),
    'reservation', v_taken.reservation,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(v_user.id, p_bot, p_chat_id, p_history)
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
-- messages, and used requests of people who are erased. Ends the subscriptions whose time is over.
--
-- Twice or at once: rows that another sweep or a worker holds are skipped.
-- Returns: json {released, updates, messages, erased, subscriptions}: how many of each, p_limit of each kind
--   at most.
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
  return json_build_object(
    'released', v_released,
    'updates', v_updates,
    'messages', v_messages,
    'erased', private.forget_usage(p_limit),
    'subscriptions', private.expire_subscriptions(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated;
grant execute on function public.sweep to bot_backend, service_role;
comment on function public.sweep is 'Releases stale reservations and drops what is past its retention';

-- A table that only admins write: nobody waits for its index.
-- squawk-ignore require-concurrent-index-deletion
drop index public.audit_log_user_idx;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX audit_log_user_idx ON public.audit_log USING btree (user_id, id);

-- A migration is one transaction, so it cannot be made concurrently; a million names take seconds.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX users_username_idx ON public.users USING btree (lower(username));

comment on column public.erased_people.used is 'What is given once in a life, by its name: "referral"; and "banned_at", whose reason is not kept';

comment on column public.users.ban_reason is 'What the person is told beside the ban itself';

comment on column public.users.ban_told is 'Whether the one notice of this ban was given';

comment on column public.users.banned_at is 'Since when no bot serves the person; null: not banned';

comment on column public.users.is_paid is 'Derived: a paid plan, or an admin; see private.refresh_access';

comment on column public.users.vip_level is 'Derived: 0 is the free plan, see subscription_limits and private.refresh_access';
