-- Referrals.

-- Who brought whom. A person has one referrer for life.

create table public.user_referrals (
  id bigint generated always as identity primary key,
  referrer_id bigint not null references public.users (id) on delete cascade,
  referred_id bigint not null unique references public.users (id) on delete cascade,
  status text not null default 'pending' check (status in ('pending', 'completed', 'limit_reached')),
  referrer_credits integer not null default 0 check (referrer_credits >= 0),
  referred_credits integer not null default 0 check (referred_credits >= 0),
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  check (referrer_id <> referred_id)
);

create index user_referrals_referrer_idx on public.user_referrals (referrer_id, completed_at);
-- Top referrers of a period.
create index user_referrals_completed_at_idx on public.user_referrals (completed_at)
where status = 'completed';

comment on table public.user_referrals is 'Who brought whom';
comment on column public.user_referrals.status is 'pending until the newcomer''s first served request; limit_reached: came, but nothing was given';
alter table public.user_referrals enable row level security;
revoke all on table public.user_referrals from public, anon, authenticated, service_role;
revoke all on sequence public.user_referrals_id_seq from public, anon, authenticated, service_role;

-- Notes who brought a newcomer; nothing is given until their first served request.
--
-- Twice or at once: referred_id is unique, so the first referrer stays for life.
-- Returns: attached | already_attached | self | unknown_code | not_new (served before, or the two would bring
--   each other).
-- Errors: none.
create or replace function private.attach_referral(p_user_id bigint, p_referral_code text)
returns text
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_referrer_id bigint;
  v_is_newcomer boolean;
begin
  select u.id into v_referrer_id from public.users as u where u.referral_code = lower(p_referral_code);
  if not found then
    return 'unknown_code';
  elsif v_referrer_id = p_user_id then
    return 'self';
  end if;
  select u.is_newcomer into v_is_newcomer from public.users as u where u.id = p_user_id;
  if exists (select from public.user_referrals as r where r.referred_id = p_user_id) then
    return 'already_attached';
  elsif not coalesce(v_is_newcomer, false) or private.was_brought_by(v_referrer_id, p_user_id) then
    return 'not_new';
  end if;
  insert into public.user_referrals (referrer_id, referred_id)
  values (v_referrer_id, p_user_id)
  on conflict (referred_id) do nothing;
  return case when found then 'attached' else 'already_attached' end;
end
$$;

revoke all on function private.attach_referral from public, anon, authenticated;
comment on function private.attach_referral is 'Notes who brought a newcomer';

-- Attaches a newcomer to whoever's code they bring, if nobody brought them yet, and completes it: both sides
-- get bonus credits. For our own code and other services; a bot completes by itself at the first served request.
--
-- Twice or at once: fifty calls at once complete once; see private.settle_referral. One referrer for life: a
--   code of somebody else than the first referrer changes nothing.
-- Returns: jsonb {outcome, referrer_credits, referred_credits}; outcome is completed | already_completed |
--   self | unknown_code | not_new | limit_reached.
-- Errors: none of its own.
create or replace function public.complete_referral(p_user_id bigint, p_referral_code text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_outcome text := private.attach_referral(p_user_id, p_referral_code);
  v_referral public.user_referrals;
begin
  if v_outcome in ('attached', 'already_attached') then
    select r.* into v_referral
      from public.user_referrals as r
      join public.users as u on u.id = r.referrer_id
     where r.referred_id = p_user_id and u.referral_code = lower(p_referral_code);
    v_outcome := case when found then private.settle_referral(p_user_id) else 'not_new' end;
  end if;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_user_id;
  return jsonb_build_object(
    'outcome', v_outcome,
    'referrer_credits', case when v_outcome = 'completed' then v_referral.referrer_credits else 0 end,
    'referred_credits', case when v_outcome = 'completed' then v_referral.referred_credits else 0 end
  );
end
$$;

revoke all on function public.complete_referral from public, anon, authenticated;
grant execute on function public.complete_referral to bot_backend, service_role;
comment on function public.complete_referral is 'Completes a referral: both sides get bonus credits, once';

-- Tells a person what their invitations came to.
--
-- Twice or at once: only reads, over user_referrals_referrer_idx.
-- Returns: jsonb {code, came, counted, credits, referrer_credits, referred_credits, was_referred}: how many
--   came with the code, for how many credits were given, how many credits, and what one is worth now; null
--   when there is no such person.
-- Errors: none of its own.
create or replace function public.referral_overview(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'code', u.referral_code,
    'came', r.came,
    'counted', u.total_referrals,
    'credits', r.credits,
    'referrer_credits', private.setting('referral_referrer_credits')::integer,
    'referred_credits', private.setting('referral_referred_credits')::integer,
    'was_referred', exists (select from public.user_referrals as w where w.referred_id = u.id)
  )
  from public.users as u
  cross join lateral (
    select count(*) as came, coalesce(sum(i.referrer_credits), 0) as credits
      from public.user_referrals as i
     where i.referrer_id = u.id
  ) as r
  where u.id = p_user_id;
$$;

revoke all on function public.referral_overview from public, anon, authenticated;
grant execute on function public.referral_overview to bot_backend, service_role;
comment on function public.referral_overview is 'What a person''s invitations came to';

-- Completes a pending referral: both sides get their credits, or the referrer's day is full and nobody does.
--
-- Twice or at once: both people are locked in the order of their ids, so that two referrals that cross wait
--   for each other and never for ever; the status is read under the lock and changes once.
-- Returns: completed | already_completed | limit_reached | not_new (the two brought each other).
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
  if v_referral.status = 'completed' then
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
         referrer_credits = private.setting('referral_referrer_credits')::integer,
         referred_credits = private.setting('referral_referred_credits')::integer
   where r.id = v_referral.id
  returning r.* into v_referral;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referrer_credits,
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

-- Lists who brought the most people in a period.
--
-- Twice or at once: only reads, over user_referrals_completed_at_idx.
-- Returns: jsonb array of {user_id, telegram_id, first_name, username, referrals, credits}, the most first.
-- Errors: none of its own.
create or replace function public.top_referrers(
  p_since timestamptz, p_until timestamptz default null, p_limit integer default 10
)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'user_id', u.id,
        'telegram_id', u.telegram_id,
        'first_name', u.first_name,
        'username', u.username,
        'referrals', t.referrals,
        'credits', t.credits
      )
      order by t.referrals desc, u.id
    ),
    '[]'::jsonb
  )
  from (
    select r.referrer_id, count(*) as referrals, sum(r.referrer_credits) as credits
      from public.user_referrals as r
     where r.status = 'completed'
       and r.completed_at >= p_since
       and (p_until is null or r.completed_at < p_until)
     group by r.referrer_id
     order by count(*) desc, r.referrer_id
     limit least(p_limit, 100)
  ) as t
  join public.users as u on u.id = t.referrer_id;
$$;

revoke all on function public.top_referrers from public, anon, authenticated;
grant execute on function public.top_referrers to bot_backend, service_role;
comment on function public.top_referrers is 'Who brought the most people in a period';

-- Tells whether a person was brought, directly or through others, by another one: a circle must not close.
--
-- Twice or at once: only reads. Two newcomers who attach to each other in the same moment may both pass; then
--   private.settle_referral, which holds both rows, lets only the first of them count.
-- Returns: boolean. Follows at most 100 steps.
-- Errors: none.
create or replace function private.was_brought_by(p_user_id bigint, p_ancestor_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  with recursive line (user_id, steps) as (
    select p_user_id, 0
    union all
    select r.referrer_id, l.steps + 1
      from line as l
      join public.user_referrals as r on r.referred_id = l.user_id
     where l.steps < 100
  )
  select exists (select from line as l where l.user_id = p_ancestor_id and l.steps > 0);
$$;

revoke all on function private.was_brought_by from public, anon, authenticated;
comment on function private.was_brought_by is 'Whether a person was brought by another one';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "referral_daily_limit", "about": "How many people a day a referrer is given credits for", "value": 20}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "referral_referred_credits", "about": "Bonus credits for whoever was brought", "value": 5}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "referral_referrer_credits", "about": "Bonus credits for whoever brought somebody", "value": 10}') on conflict do nothing;
