-- Free trainings.

-- Trainings that were given away: by whom, how many, how many of them are used. What is left never runs out.

create table public.free_trainings (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  source text not null check (source <> ''),
  reference text not null check (reference <> ''),
  quantity integer not null check (quantity >= 0),
  used integer not null default 0 check (used between 0 and quantity),
  created_at timestamptz not null default private.clock(),
  -- What gives once gives a person once.
  unique (user_id, source, reference)
);

comment on table public.free_trainings is 'Trainings that were given away';
comment on column public.free_trainings.source is 'What gave them: channel, promo, admin';
comment on column public.free_trainings.reference is 'For what: the channel, the promo code, the admin''s action; once per person and source';
comment on column public.free_trainings.quantity is '0: given to them before they were erased and came back, so not again';
alter table public.free_trainings enable row level security;
revoke all on table public.free_trainings from public, anon, authenticated, service_role;
revoke all on sequence public.free_trainings_id_seq from public, anon, authenticated, service_role;

-- Gives a person free trainings, once for each source and reference.
--
-- Twice or at once: source and reference are unique for a person; the second call waits for the first and changes
--   nothing.
-- Returns: whether they were given now; false for a reference that is known already.
-- Errors: Z0001, the number of trainings is unusable.
create or replace function private.give_trainings(
  p_user_id bigint, p_source text, p_reference text, p_quantity integer
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the number of trainings must be 1 to a million' using errcode = 'Z0001';
  end if;
  insert into public.free_trainings (user_id, source, reference, quantity)
  values (p_user_id, p_source, p_reference, p_quantity)
  on conflict (user_id, source, reference) do nothing;
  return found;
end
$$;

revoke all on function private.give_trainings from public, anon, authenticated;
comment on function private.give_trainings is 'Gives a person free trainings, once for each source and reference';

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
    'trainings', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.free_trainings as f
       where f.user_id = u.id
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

-- Gives somebody who was erased and comes back what they had used up: a referral, the free trainings of a channel,
-- today's and this month's requests, a ban. Everything else begins anew.
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

comment on column public.erased_people.used is 'What is given once in a life, by its name: "referral", and "channels" whose free trainings they had; and "banned_at", whose reason is not kept';
