-- Access.

alter table public.users add column trial_used boolean default false not null;

-- What was taken from people for what they used: one row for each reference, so that a repetition takes nothing.

create table public.access_usages (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  reference text not null unique check (reference like '_%:_%'),
  quantity integer not null check (quantity > 0),
  access_type text not null check (access_type in ('subscription', 'credits', 'trainings')),
  credits integer not null default 0 check (credits >= 0),
  trainings integer not null default 0 check (trainings >= 0),
  created_at timestamptz not null default private.clock(),
  check (credits + trainings = case access_type when 'subscription' then 0 else quantity end)
);

create index access_usages_user_idx on public.access_usages (user_id, id);

comment on table public.access_usages is 'What was taken from people for what they used';
comment on column public.access_usages.reference is 'Service and its own number, "simulator:4711": the same one takes once';
comment on column public.access_usages.access_type is 'The first thing it was taken from; a subscription is not used up';
alter table public.access_usages enable row level security;
revoke all on table public.access_usages from public, anon, authenticated, service_role;
revoke all on sequence public.access_usages_id_seq from public, anon, authenticated, service_role;

-- Tells what a person may use, and of what it would be taken: of a subscription, then bonus credits, then free trainings.
--
-- Twice or at once: only reads. Whoever takes something locks the person's row first.
-- Returns: jsonb {has_access, access_type: subscription | credits | trainings | none, details}. access_type is the first
--   thing of which p_quantity would be taken; of credits and trainings together there must be enough. A plan above the
--   free one, or being an admin, is a subscription. Who is banned may use nothing.
--   details {plan, ends_at, bonus_credits, free_trainings, is_admin, is_banned}.
-- Errors: none.
create or replace function private.access_of(p_user public.users, p_quantity integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_level integer := private.level_of(p_user.id);
  v_plan text;
  v_ends_at timestamptz;
  v_trainings bigint;
  v_type text;
begin
  select l.plan into v_plan
    from public.subscription_limits as l
   where l.vip_level <= v_level
   order by l.vip_level desc
   limit 1;
  if v_level > 0 then
    select nullif(max(coalesce(s.ends_at, 'infinity')), 'infinity') into v_ends_at
      from public.subscriptions as s
     where s.user_id = p_user.id and s.plan = v_plan and s.status = 'active';
  end if;
  select coalesce(sum(f.quantity - f.used), 0) into v_trainings
    from public.free_trainings as f
   where f.user_id = p_user.id;
  v_type := case
    when p_user.id is null or p_user.banned_at is not null then 'none'
    when v_level > 0 or p_user.is_admin then 'subscription'
    when p_user.bonus_credits + v_trainings < p_quantity then 'none'
    when p_user.bonus_credits > 0 then 'credits'
    else 'trainings'
  end;
  return jsonb_build_object(
    'has_access', v_type <> 'none',
    'access_type', v_type,
    'details', jsonb_build_object(
      'plan', v_plan,
      'ends_at', v_ends_at,
      'bonus_credits', coalesce(p_user.bonus_credits, 0),
      'free_trainings', v_trainings,
      'is_admin', coalesce(p_user.is_admin, false),
      'is_banned', p_user.banned_at is not null
    )
  );
end
$$;

revoke all on function private.access_of from public, anon, authenticated;
comment on function private.access_of is 'What a person may use, and of what it would be taken';

-- Tells whether a person may use p_quantity of what is paid for: for our own code and, through rpc with the secret key,
-- for every other service of the same owner.
--
-- Twice or at once: only reads. What it says may be over a moment later: consume_access asks and takes in one.
-- Returns: jsonb {has_access, access_type, details}, see private.access_of. Somebody unknown has no access.
-- Errors: Z0002, the quantity is unusable.
create or replace function public.check_access(p_telegram_id bigint, p_quantity integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the quantity must be 1 to a million' using errcode = 'Z0002';
  end if;
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id;
  return private.access_of(v_user, p_quantity);
end
$$;

revoke all on function public.check_access from public, anon, authenticated;
grant execute on function public.check_access to bot_backend, service_role;
comment on function public.check_access is 'Whether a person may use what is paid for';

-- Takes p_quantity of what is paid for from a person, once per reference: nothing of whom a plan covers, else bonus
-- credits, then free trainings; all of it or nothing. For our own code and, through rpc with the secret key, for every
-- other service of the same owner.
--
-- Twice or at once: the person's row is locked, and the reference is unique. A known reference takes nothing and is
--   answered with what was taken then; a refusal is not kept, so the same reference may try again.
-- Returns: jsonb {has_access, access_type, details, applied, taken: {credits, trainings}}. applied is false for a refusal,
--   and for a reference that is known already. details are as they are now, afterwards.
-- Errors: Z0002, the quantity or reference is unusable; Z0003, the reference is known with another person or quantity.
create or replace function public.consume_access(p_telegram_id bigint, p_reference text, p_quantity integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
  v_usage public.access_usages;
  v_access jsonb;
  v_is_known boolean;
  v_credits integer := 0;
  v_trainings integer := 0;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the quantity must be 1 to a million' using errcode = 'Z0002';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference such as "service:number" is needed' using errcode = 'Z0002';
  end if;

  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  select a.* into v_usage from public.access_usages as a where a.reference = p_reference;
  v_is_known := found;
  if v_is_known and (v_usage.user_id, v_usage.quantity) is distinct from (v_user.id, p_quantity) then
    raise exception 'this reference is known with another person or quantity' using errcode = 'Z0003';
  end if;
  v_access := private.access_of(v_user, p_quantity);
  if not v_is_known and (v_access ->> 'has_access')::boolean then
    if v_access ->> 'access_type' <> 'subscription' then
      v_credits := least(v_user.bonus_credits, p_quantity);
      v_trainings := p_quantity - v_credits;
      update public.users as u
         set bonus_credits = u.bonus_credits - v_credits
       where u.id = v_user.id
      returning u.* into v_user;
      perform private.use_trainings(v_user.id, v_trainings);
    end if;
    begin
      insert into public.access_usages as a (user_id, reference, quantity, access_type, credits, trainings)
      values (v_user.id, p_reference, p_quantity, v_access ->> 'access_type', v_credits, v_trainings)
      returning a.* into v_usage;
    exception when unique_violation then
      -- Another person's call with the same reference came first.
      raise exception 'this reference is known with another person or quantity' using errcode = 'Z0003';
    end;
    v_access := private.access_of(v_user, p_quantity);
  end if;
  return v_access || jsonb_build_object(
    'has_access', v_usage.id is not null,
    'access_type', coalesce(v_usage.access_type, 'none'),
    'applied', v_usage.id is not null and not v_is_known,
    'taken', jsonb_build_object(
      'credits', coalesce(v_usage.credits, 0), 'trainings', coalesce(v_usage.trainings, 0)
    )
  );
end
$$;

revoke all on function public.consume_access from public, anon, authenticated;
grant execute on function public.consume_access to bot_backend, service_role;
comment on function public.consume_access is 'Takes what is paid for from a person, once per reference';

-- Gives a person what joining a channel is worth (the setting channel_trainings), once for each channel in a life. That
-- they are in it the caller has asked Telegram.
--
-- Twice or at once: the channel is unique for a person; it is remembered through an erasure.
-- Returns: jsonb {outcome: given | already_given | off, trainings}.
-- Errors: Z0004, there is no such person.
create or replace function public.give_channel_trainings(p_user_id bigint, p_channel_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_trainings integer := private.setting('channel_trainings')::integer;
  v_outcome text := 'off';
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such person' using errcode = 'Z0004';
  end if;
  if v_trainings > 0 then
    v_outcome := case
      when private.give_trainings(p_user_id, 'channel', p_channel_id::text, v_trainings) then 'given'
      else 'already_given'
    end;
  end if;
  return jsonb_build_object('outcome', v_outcome, 'trainings', v_trainings);
end
$$;

revoke all on function public.give_channel_trainings from public, anon, authenticated;
grant execute on function public.give_channel_trainings to bot_backend, service_role;
comment on function public.give_channel_trainings is 'Gives a person what joining a channel is worth';

-- Starts a person's free trial, once in a life: the plan of the setting trial_plan for trial_days days.
--
-- Twice or at once: the person's row is locked and bears the mark, so of two calls one starts it. It is remembered
--   through an erasure.
-- Returns: jsonb {outcome: started | already_used | paid_already | off, plan, days, ends_at}; ends_at while the trial
--   runs, else null: a repetition is told until when.
-- Errors: Z0004, there is no such person.
create or replace function public.start_trial(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_days integer := private.setting('trial_days')::integer;
  v_plan text := private.setting('trial_plan');
  v_user public.users;
  v_state text;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'Z0004';
  end if;
  v_state := private.trial_state(v_user);
  if v_state = 'available' then
    update public.users as u set trial_used = true where u.id = p_user_id;
    perform private.extend_subscription(p_user_id, v_plan, 'trial', null, v_days * 86400);
  end if;
  return jsonb_build_object(
    'outcome', case v_state when 'available' then 'started' else v_state end,
    'plan', v_plan,
    'days', v_days,
    'ends_at', (
      select max(s.ends_at)
        from public.subscriptions as s
       where s.user_id = p_user_id and s.source = 'trial' and s.status = 'active' and s.ends_at > private.clock()
    )
  );
end
$$;

revoke all on function public.start_trial from public, anon, authenticated;
grant execute on function public.start_trial to bot_backend, service_role;
comment on function public.start_trial is 'Starts a person''s free trial, once in a life';

-- What a person has to train with, and what the channel would give them.
--
-- Twice or at once: only reads.
-- Returns: json {access: see private.access_of, trainings: [{source, quantity, used}] (the oldest first), channel_trainings:
--   how many the channel gives, channels: the references of those that gave already}.
-- Errors: none.
create or replace function public.training_overview(p_user_id bigint)
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  select json_build_object(
      'access', private.access_of(u, 1),
      'trainings', coalesce(
        (
          select json_agg(
              json_build_object('source', f.source, 'quantity', f.quantity, 'used', f.used) order by f.id
            )
            from public.free_trainings as f
           where f.user_id = u.id and f.quantity > 0
        ),
        '[]'::json
      ),
      'channel_trainings', private.setting('channel_trainings')::integer,
      'channels', coalesce(
        (
          select json_agg(f.reference order by f.id)
            from public.free_trainings as f
           where f.user_id = u.id and f.source = 'channel'
        ),
        '[]'::json
      )
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function public.training_overview from public, anon, authenticated;
grant execute on function public.training_overview to bot_backend, service_role;
comment on function public.training_overview is 'What a person has to train with';

-- Tells the free trial that a person may have.
--
-- Twice or at once: only reads.
-- Returns: json {plan, days}, or null when there is none for them.
-- Errors: none.
create or replace function public.trial_offer(p_user_id bigint)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found or private.trial_state(v_user) <> 'available' then
    return null;
  end if;
  return json_build_object(
    'plan', private.setting('trial_plan'), 'days', private.setting('trial_days')::integer
  );
end
$$;

revoke all on function public.trial_offer from public, anon, authenticated;
grant execute on function public.trial_offer to bot_backend, service_role;
comment on function public.trial_offer is 'The free trial that a person may have';

-- Tells whether a person may have the free trial.
--
-- Twice or at once: only reads. Whoever starts it locks the person's row first.
-- Returns: available | already_used | paid_already (a plan runs, or they bought one at any time) | off.
-- Errors: none.
create or replace function private.trial_state(p_user public.users)
returns text
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return case
    when private.setting('trial_days')::integer < 1 or not exists (
      select from public.subscription_limits as l
       where l.plan = private.setting('trial_plan') and l.vip_level > 0
    ) then 'off'
    when exists (
      select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase'
    ) then 'paid_already'
    when p_user.trial_used then 'already_used'
    when private.level_of(p_user.id) > 0 then 'paid_already'
    else 'available'
  end;
end
$$;

revoke all on function private.trial_state from public, anon, authenticated;
comment on function private.trial_state is 'Whether a person may have the free trial';

-- Takes free trainings from a person, the oldest first, as many as are left at most.
--
-- Twice or at once: the caller holds the person's row; whoever gives more meanwhile is not waited for.
-- Returns: how many were taken.
-- Errors: none.
create or replace function private.use_trainings(p_user_id bigint, p_quantity integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_given record;
  v_left integer := p_quantity;
begin
  for v_given in
    select f.id, f.quantity - f.used as rest
      from public.free_trainings as f
     where f.user_id = p_user_id and f.used < f.quantity
     order by f.id
  loop
    exit when v_left = 0;
    update public.free_trainings as f set used = f.used + least(v_given.rest, v_left) where f.id = v_given.id;
    v_left := v_left - least(v_given.rest, v_left);
  end loop;
  return p_quantity - v_left;
end
$$;

revoke all on function private.use_trainings from public, anon, authenticated;
comment on function private.use_trainings is 'Takes free trainings from a person, the oldest first';

-- Finds a person by Telegram id or @name for an admin, with what is worth knowing before acting.
--
-- Twice or at once: only reads. A @name can have passed from one person to another: whoever wrote last of
--   those who had it has it now.
-- Returns: jsonb {id, telegram_id, username, first_name, last_name, language, is_admin, is_active, created_at,
--   last_activity, banned_at, ban_reason, plan, plan_ends_at, requests, daily_requests, month_requests,
--   monthly_requests (null is no limit), bonus_credits, free_trainings (that are left), balance (text), currency, total_referrals, keys (how
--   many of their own), timezone, plans (the names there are, the lowest first)}, or null when there is nobody.
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
    'keys', (select count(*) from public.user_tokens as k where k.user_id = v_user.id),
    'timezone', private.setting('quota_timezone'),
    'plans', (select jsonb_agg(l.plan order by l.vip_level) from public.subscription_limits as l)
  );
end
$$;

revoke all on function public.admin_find_user from public, anon, authenticated;
grant execute on function public.admin_find_user to bot_backend, service_role;
comment on function public.admin_find_user is 'Finds a person by Telegram id or @name for an admin';

-- Gives a person free trainings in an admin's name; a number below zero takes unused ones back, to zero at most.
--
-- Twice or at once: the person's row is locked; with a reference it acts once, and a repetition is answered with what
--   it did then. Without one, every call acts.
-- Returns: jsonb {applied, before, after}: free trainings that are left.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action, person or number;
--   N0004 the number or the reason is unusable.
create or replace function public.admin_give_trainings(
  p_user_id bigint,
  p_quantity integer,
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
  v_before bigint;
  v_after bigint;
  v_known public.audit_log;
begin
  if coalesce(p_quantity, 0) = 0 or abs(p_quantity) > 1000000 then
    raise exception 'the trainings must be a number up to a million, and not zero' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason may have 500 characters' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.known_action(p_reference, 'give_trainings', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'quantity')::integer <> p_quantity then
      raise exception 'this reference is known with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'trainings', 'after', v_known.after -> 'trainings'
    );
  end if;

  select coalesce(sum(f.quantity - f.used), 0) into v_before
    from public.free_trainings as f
   where f.user_id = p_user_id;
  if p_quantity > 0 then
    perform private.give_trainings(
      p_user_id, 'admin', coalesce(p_reference, gen_random_uuid()::text), p_quantity
    );
    v_after := v_before + p_quantity;
  else
    v_after := v_before - private.use_trainings(p_user_id, -p_quantity);
  end if;
  perform private.write_audit(
    v_email, 'give_trainings', p_user_id, p_reference,
    jsonb_build_object('trainings', v_before),
    jsonb_strip_nulls(
      jsonb_build_object('trainings', v_after, 'quantity', p_quantity, 'reason', v_reason)
    )
  );
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_give_trainings from public, anon, authenticated;
grant execute on function public.admin_give_trainings to bot_backend, service_role;
comment on function public.admin_give_trainings is 'Gives a person free trainings in an admin''s name';

-- Tells people that what they bought, or their free trial, ends: three days before, one day before, and when it has ended.
-- Who renews is not reminded beforehand; whose plan goes on by something else, and what is shorter than the time before
-- which it would be told, is not told of at all.
--
-- Twice or at once: subscriptions that somebody holds and people who are being erased are skipped; each reminder is kept and sent once. A reminder that
--   is late by more than a day is not sent: the next one is nearer the truth. An extended time is reminded of anew.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function public.remind_of_ends(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, s.ends_at, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select case
            when s.ends_at <= v_now then 'over'
            when s.ends_at <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select coalesce(
            (select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1),
            -- Who has a trial may have ordered nothing: by the bot they wrote to last.
            (
              select n.bot
                from public.bot_sessions as n
                join public.users as u on u.id = n.user_id
               where n.user_id = s.user_id and n.chat_id = u.telegram_id
               order by n.updated_at desc
               limit 1
            )
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial')
       and s.ends_at between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
       and s.starts_at < s.ends_at - case r.reminder
         when 'days' then interval '3 days'
         when 'day' then interval '1 day'
         else interval '0'
       end
       and not exists (
         select
           from public.subscriptions as a
           join public.subscription_limits as l on l.plan = a.plan
           join public.subscription_limits as m on m.plan = s.plan
          where a.user_id = s.user_id
            and a.status = 'active'
            and l.vip_level >= m.vip_level
            and (a.ends_at is null or a.ends_at > s.ends_at)
       )
       and (
         r.reminder = 'over'
         or not exists (
           select from public.renewals as n
            where n.user_id = s.user_id and n.status in ('active', 'past_due')
         )
       )
     order by s.ends_at
     limit p_limit
       for update of s skip locked
  loop
    perform from public.users as u where u.id = v_due.user_id for key share skip locked;
    continue when not found;
    update public.subscriptions as s
       set reminded = v_due.reminder || ' ' || s.ends_at::text
     where s.id = v_due.id;
    v_outgoing := v_outgoing || private.tell_person(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.ends_at))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.remind_of_ends from public, anon, authenticated;
grant execute on function public.remind_of_ends to bot_backend, service_role;
comment on function public.remind_of_ends is 'Tells people that what they bought ends';

-- Collects what is stored about a person, but for the conversation.
--
-- Twice or at once: only reads.
-- Returns: jsonb, one key a subject; of the AI calls the newest 10,000, the months have them all. Each has a title
--   and an explanation in shared/texts (section_<subject>).
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
    'keys', public.list_user_tokens(u.id),
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
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      )
    ),
    'payments', private.money_section(u),
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
  v_channels jsonb;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  if p_user.trial_used
    -- A buyer has no trial either, and comes back as somebody who bought nothing.
    or exists (select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase')
  then
    v_used := v_used || '{"trial": true}';
  end if;
  if p_user.banned_at is not null then
    v_used := v_used || jsonb_build_object('banned_at', p_user.banned_at);
  end if;
  select jsonb_agg(f.reference order by f.id) into v_channels
    from public.free_trainings as f
   where f.user_id = p_user.id and f.source = 'channel';
  if v_channels is not null then
    v_used := v_used || jsonb_build_object('channels', v_channels);
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

-- Gives somebody who was erased and comes back what they had used up: a referral, the free trial, the trainings of a
-- channel, today's and this month's requests, a ban. Everything else begins anew.
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
           trial_used = v_kept.used ? 'trial',
           banned_at = (v_kept.used ->> 'banned_at')::timestamptz
     where u.id = p_user_id;
    insert into public.free_trainings (user_id, source, reference, quantity)
    select p_user_id, 'channel', c.reference, 0
      from jsonb_array_elements_text(v_kept.used -> 'channels') as c (reference);
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

-- Gives a person a plan for a period, or for some seconds: from the end of what they have of this source, or of a free
-- trial of the plan, so that nothing of it is lost; else from now.
--
-- Twice or at once: the person's row is locked, so two purchases follow one another. Every call extends: the caller
--   sees to it that it asks once.
-- Returns: the subscription and the seconds that were added.
-- Errors: none.
create or replace function private.extend_subscription(
  p_user_id bigint,
  p_plan text,
  p_source text,
  p_period text,
  p_seconds numeric,
  out subscription_id bigint,
  out seconds numeric
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_running public.subscriptions;
  v_start timestamptz;
  v_anchor_day smallint;
  v_end timestamptz;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_running
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source
     and s.status = 'active' and s.ends_at > v_now
   order by s.ends_at desc
   limit 1
     for update;
  v_start := coalesce(
    v_running.ends_at,
    (
      select max(s.ends_at)
        from public.subscriptions as s
       where s.user_id = p_user_id and s.plan = p_plan and s.source = 'trial'
         and s.status = 'active' and s.ends_at > v_now
    ),
    v_now
  );
  v_anchor_day := coalesce(
    v_running.anchor_day,
    extract(day from v_start at time zone private.setting('quota_timezone'))::smallint
  );
  v_end := case
    when p_period is null then v_start + make_interval(secs => p_seconds::double precision)
    else private.add_period(v_start, p_period, v_anchor_day)
  end;
  if v_running.id is not null then
    update public.subscriptions as s
       set ends_at = v_end, anchor_day = v_anchor_day
     where s.id = v_running.id;
    subscription_id := v_running.id;
  else
    update public.subscriptions as s  -- over, and no sweep has come by yet
       set status = 'expired', ended_at = v_now
     where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source and s.status = 'active';
    insert into public.subscriptions as s (user_id, plan, source, starts_at, ends_at, anchor_day)
    values (p_user_id, p_plan, p_source, v_now, v_end, v_anchor_day)
    returning s.id into subscription_id;
  end if;
  seconds := extract(epoch from v_end - v_start);
  perform private.refresh_access(p_user_id);
end
$$;

revoke all on function private.extend_subscription from public, anon, authenticated;
comment on function private.extend_subscription is 'Gives a person a plan for a period';

-- Tells the highest level of the plans that run for a person now: the one place that says what runs.
--
-- Twice or at once: only reads. Whoever means to keep the level locks the person's row first.
-- Returns: a subscription_limits.vip_level; 0 without a plan.
-- Errors: none.
create or replace function private.level_of(p_user_id bigint)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select coalesce(max(l.vip_level), 0)
    from public.subscriptions as s
    join public.subscription_limits as l on l.plan = s.plan
   where s.user_id = p_user_id
     and s.status = 'active'
     and (s.ends_at is null or s.ends_at > (select private.clock()));
$$;

revoke all on function private.level_of from public, anon, authenticated;
comment on function private.level_of is 'The highest level of the plans that run for a person';

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
  v_vip_level := private.level_of(p_user_id);
  if v_user.vip_level <> v_vip_level or v_user.is_paid <> (v_vip_level > 0 or v_user.is_admin) then
    update public.users as u
       set vip_level = v_vip_level, is_paid = v_vip_level > 0 or u.is_admin
     where u.id = p_user_id;
  end if;
end
$$;

revoke all on function private.refresh_access from public, anon, authenticated;
comment on function private.refresh_access is 'Derives vip_level and is_paid from the subscriptions';

comment on column public.erased_people.used is 'What is given once in a life, by its name: "referral", "trial", and "channels" whose free trainings they had; and "banned_at", whose reason is not kept';

comment on column public.users.trial_used is 'Whether the free trial was started, now or before an erasure';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "channel_trainings", "about": "Free trainings for joining the channel of TRAINING_CHANNEL, once in a life; 0: none", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "trial_days", "about": "How many days the free trial lasts; 0: there is none", "value": 3}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "trial_plan", "about": "The plan of the free trial, which everybody may have once in a life", "value": "PREMIUM"}') on conflict do nothing;
