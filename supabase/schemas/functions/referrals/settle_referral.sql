-- Completes a pending referral: both users get their credits, the referrer gets XP, and who had invited the referrer gets the setting
-- referral_second_credits, with a message; or ends it without credits when the referrer has
-- reached the setting referral_daily_limit. If the referrer was erased, the referred user still gets theirs.
--
-- Concurrency: the users are locked in the order of their ids, so referrals that cross cannot deadlock. The
--   status is read under the lock and changes once.
-- Locks: the two or three users (NO KEY UPDATE) by id, then the referral (FOR UPDATE).
-- Returns: jsonb
--   outcome: 'completed' | 'already_completed' | 'limit_reached' | 'not_new'   (not_new: the two referred each other, or the
--     referral was erased)
--   outgoing: outgoing     (messages about the referrer's new level and to the second referrer, to deliver now or left to the sweep)
-- Errors: none.
create or replace function private.settle_referral(p_referred_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_referral public.user_referrals;
  v_day_begins timestamptz;
  v_timezone text := private.setting('quota_timezone');
  v_today integer;
  v_outgoing jsonb;
  v_second_id bigint;
  v_second_credits integer := private.setting('referral_second_credits')::integer;
begin
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id;
  select r.referrer_id into v_second_id
    from public.user_referrals as r
   where v_second_credits > 0 and r.referred_id = v_referral.referrer_id and r.status = 'completed'
     and r.referrer_id <> p_referred_id;
  perform from public.users as u
    where u.id in (v_referral.referrer_id, p_referred_id, v_second_id)
    order by u.id
      for no key update;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id for update;
  if v_referral.id is null then  -- erased concurrently
    return jsonb_build_object('outcome', 'not_new', 'outgoing', '[]'::jsonb);
  elsif v_referral.status = 'completed' then
    return jsonb_build_object('outcome', 'already_completed', 'outgoing', '[]'::jsonb);
  elsif v_referral.status = 'limit_reached' then
    return jsonb_build_object('outcome', 'limit_reached', 'outgoing', '[]'::jsonb);
  elsif exists (
    select from public.user_referrals as r
     where r.referred_id = v_referral.referrer_id
       and r.referrer_id = p_referred_id
       and r.status = 'completed'
  ) then
    return jsonb_build_object('outcome', 'not_new', 'outgoing', '[]'::jsonb);
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
    return jsonb_build_object('outcome', 'limit_reached', 'outgoing', '[]'::jsonb);
  end if;

  if not exists (select from public.users as u where u.id = v_second_id and u.banned_at is null) then
    v_second_id := null;
    v_second_credits := 0;
  end if;
  update public.user_referrals as r
     set status = 'completed',
         completed_at = v_now,
         referrer_credits = case
           when r.referrer_id is null then 0
           else private.setting('referral_referrer_credits')::integer
         end,
         referred_credits = private.setting('referral_referred_credits')::integer,
         second_credits = v_second_credits
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
  update public.users as u
     set bonus_credits = u.bonus_credits + v_second_credits, referral_credits = u.referral_credits + v_second_credits
   where u.id = v_second_id;
  select private.announce_level(
      v_referral.referrer_id, '',
      private.award_xp(
        v_referral.referrer_id, '', 'referral_completed',
        private.unused_reference(v_referral.referrer_id, 'referral_completed', 'referral:' || v_referral.id)
      )
    )
    into v_outgoing
    from public.xp_rules as x
   where x.bot = '' and x.rule = 'referral_completed' and v_referral.referrer_id is not null;
  v_outgoing := coalesce(v_outgoing, '[]'::jsonb);
  if v_second_id is not null then
    v_outgoing := v_outgoing || private.notify_user(
      v_second_id, 'referral_second_notice', jsonb_build_object('credits', v_second_credits)
    );
  end if;
  return jsonb_build_object('outcome', 'completed', 'outgoing', v_outgoing);
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated, service_role;
comment on function private.settle_referral is 'Completes a pending referral';
