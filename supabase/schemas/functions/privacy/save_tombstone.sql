-- Stores what a user who is being erased must not get again, under a keyed hash that does not identify the user:
-- referral, free trial, trainings of channels, promo codes, badges and XP that are given once, requests of today and
-- this month, wrong promo codes of today, a ban. A user who used nothing leaves no row.
--
-- Concurrency: the caller has locked the user exclusively. A user who was erased before, returned and is erased again
--   has one row.
-- Locks: the row of erased_users.
-- Returns: void
-- Errors: none.
create or replace function private.save_tombstone(p_user public.users, p_hash text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_used jsonb := jsonb '{}';
  v_usage jsonb := jsonb '{}';
  v_daily jsonb;
  v_monthly jsonb;
  v_channels jsonb;
  v_xp jsonb;
  v_badges jsonb;
  v_promocode_tries jsonb;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  if p_user.trial_used
    -- A buyer gets no trial either, and after the erasure the purchase is not visible any more.
    or exists (select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase')
  then
    v_used := v_used || '{"trial": true}';
  end if;
  v_used := v_used || coalesce(
    (
      select jsonb_object_agg('promocode:' || u.promocode_id, true)
        from public.promocode_usages as u
       where u.user_id = p_user.id
    ),
    '{}'::jsonb
  );
  if p_user.banned_at is not null then
    v_used := v_used || jsonb_build_object('banned_at', p_user.banned_at);
  end if;
  select jsonb_agg(f.reference order by f.id) into v_channels
    from public.free_trainings as f
   where f.user_id = p_user.id and f.source = 'channel';
  if v_channels is not null then
    v_used := v_used || jsonb_build_object('channels', v_channels);
  end if;
  select jsonb_agg(jsonb_build_object('bot', a.bot, 'rule', a.rule, 'reference', a.reference)) into v_xp
    from public.xp_awards as a
   where a.user_id = p_user.id and starts_with(a.reference, 'once:');
  if v_xp is not null then
    v_used := v_used || jsonb_build_object('xp', v_xp);
  end if;
  select jsonb_agg(jsonb_build_object('bot', b.bot, 'badge', b.badge)) into v_badges
    from public.user_badges as b
   where b.user_id = p_user.id;
  if v_badges is not null then
    v_used := v_used || jsonb_build_object('badges', v_badges);
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
  select v_usage || jsonb_build_object('promocode_attempts', jsonb_build_object('day', t.day, 'failed_attempts', t.failed_attempts))
    into v_promocode_tries
    from public.promocode_attempts as t
   where t.user_id = p_user.id and t.day >= v_today and t.failed_attempts > 0;
  v_usage := coalesce(v_promocode_tries, v_usage);
  if v_used = '{}' and v_usage = '{}' then
    return;
  end if;
  insert into public.erased_users as e (user_hash, used, usage)
  values (decode(p_hash, 'hex'), v_used, v_usage)
  on conflict (user_hash) do update
    set used = e.used || excluded.used,
        usage = excluded.usage,
        erased_at = excluded.erased_at;
end
$$;

revoke all on function private.save_tombstone from public, anon, authenticated, service_role;
comment on function private.save_tombstone is 'Stores what an erased user must not get again';
