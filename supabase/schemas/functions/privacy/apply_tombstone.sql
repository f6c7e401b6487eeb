-- Gives a user who was erased and returns what had been used up: referral, free trial, trainings of channels,
-- redeemed promo codes and the wrong ones of today, XP that is given once, requests of today and this month, a ban.
-- Badges of before are not awarded again. Everything else starts from zero.
--
-- Concurrency: the caller has just inserted the user's row, or holds one that another service created; what that
--   service gave stays. The tombstone is deleted, and saved again by the next erasure.
-- Locks: the row of erased_users, user, then trainings, counters and promo codes of the user.
-- Returns: public.users, the user's row.
-- Errors: none.
create or replace function private.apply_tombstone(p_user_id bigint, p_hash text)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_tombstone public.erased_users;
  v_user public.users;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  delete from public.erased_users as e where e.user_hash = decode(p_hash, 'hex') returning e.* into v_tombstone;
  if found then
    update public.users as u
       set is_newcomer = u.is_newcomer and not v_tombstone.used ? 'referral',
           trial_used = u.trial_used or v_tombstone.used ? 'trial',
           banned_at = coalesce(u.banned_at, (v_tombstone.used ->> 'banned_at')::timestamptz)
     where u.id = p_user_id;
    insert into public.free_trainings (user_id, source, reference, quantity)
    select p_user_id, 'channel', c.reference, 0
      from jsonb_array_elements_text(v_tombstone.used -> 'channels') as c (reference)
    on conflict (user_id, source, reference) do nothing;
    insert into public.xp_awards (user_id, bot, rule, reference, requested, points)
    select p_user_id, x.bot, x.rule, x.reference, 0, 0
      from jsonb_to_recordset(v_tombstone.used -> 'xp') as x (bot text, rule text, reference text)
    on conflict (user_id, rule, reference) do nothing;
    insert into public.user_badges (user_id, badge, bot, revoked_at)
    select p_user_id, b.badge, b.bot, private.clock()
      from jsonb_to_recordset(v_tombstone.used -> 'badges') as b (bot text, badge text)
    on conflict (user_id, badge, bot) do nothing;
    insert into public.daily_usage as u (user_id, bot, day, requests)
    select p_user_id, d.bot, d.day, d.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'daily') as d (bot text, day date, requests integer)
     where d.day >= v_today
    on conflict (user_id, day, bot) do update set requests = u.requests + excluded.requests;
    insert into public.monthly_usage as u (user_id, month, requests)
    select p_user_id, m.month, m.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'monthly') as m (month date, requests integer)
     where m.month >= date_trunc('month', v_today::timestamp)
    on conflict (user_id, month) do update set requests = u.requests + excluded.requests;
    -- Consumed: the erasure deleted what the code gave, unused discounts included.
    insert into public.promocode_usages (promocode_id, user_id, given, consumed_at)
    select p.id, p_user_id, '{}', private.clock()
      from public.promocodes as p
     where p.id in (
       select substr(k.key, length('promocode:') + 1)::bigint
         from jsonb_object_keys(v_tombstone.used) as k (key)
        where starts_with(k.key, 'promocode:')
     )
    on conflict (promocode_id, user_id) do nothing;
    insert into public.promocode_attempts as p (user_id, day, failed_attempts)
    select p_user_id, t.day, t.failed_attempts
      from jsonb_to_record(v_tombstone.usage -> 'promocode_attempts') as t (day date, failed_attempts integer)
     where t.day >= v_today
    on conflict (user_id) do update set day = excluded.day, failed_attempts = greatest(p.failed_attempts, excluded.failed_attempts);
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id;
  return v_user;
end
$$;

revoke all on function private.apply_tombstone from public, anon, authenticated, service_role;
comment on function private.apply_tombstone is 'Gives a returning user what had been used up';
