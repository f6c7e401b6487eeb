-- Second referral level.

alter table public.user_referrals add column second_credits integer default 0 not null;

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'conversations', (
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference', 'summary_claim', 'summary_claimed_at'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
    ),
    'conversation_files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_conversation_files as f
       where f.user_id = u.id
    ),
    'shared_pages', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'digest', 'reference'] order by s.id), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = u.id
    ),
    'web_sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'token_hash'] order by s.id), '[]'::jsonb)
        from public.user_sessions as s
       where s.user_id = u.id
    ),
    'logins', (
      select coalesce(
        jsonb_agg(
          to_jsonb(a) - array['public_hash', 'browser_hash', 'code', 'verifier', 'return_to', 'address_hash', 'user_id', 'session_hash']
          order by a.created_at
        ),
        '[]'::jsonb
      )
        from public.login_attempts as a
       where a.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'memory_proposals', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['id', 'user_id'] order by p.id), '[]'::jsonb)
        from public.ai_memory_proposals as p
       where p.user_id = u.id
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
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
    ),
    'photo', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'bot', a.bot, 'photo_id', a.photo_id, 'mime_type', a.mime_type, 'image', encode(a.image, 'base64'),
               'wanted_at', a.wanted_at, 'checked_at', a.checked_at
             )), '[]'::jsonb)
        from public.user_avatars as a
       where a.user_id = u.id
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
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
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
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'courses', private.courses_section(u.id),
    'messenger', private.messenger_section(u.id),
    'analytics', private.analytics_section(u.id),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
    'broadcasts', private.broadcasts_section(u.id),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits', 'second_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits', 'second_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'staff', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['user_id', 'added_by']), '[]'::jsonb)
        from public.staff as s
       where s.user_id = u.id
    ),
    'staff_invitations', (
      select coalesce(
          jsonb_agg(to_jsonb(i) - array['id', 'token_hash', 'created_by', 'accepted_by'] order by i.id), '[]'::jsonb
        )
        from public.staff_invitations as i
       where i.created_by = u.id or i.accepted_by = u.id
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

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Returns the result of a user's invitations: the referral code, how many users came with it, for how many credits
-- were granted, how many credits, and what a referral is worth now.
--
-- Concurrency: read-only, over user_referrals_referrer_idx.
-- Locks: none.
-- Returns: jsonb
--   {
--     code: text
--     invited: int                            (how many came with the code)
--     completed: int                          (for how many credits were given)
--     credits: int                            (how many credits, with those of the second level)
--     second_credits: int                     (what a user whom an invited user brings is worth now; 0: nothing)
--     referrer_credits: int                   (what one is worth now)
--     referred_credits: int
--     was_referred: boolean
--   } | null                                  (no such user)
-- Errors: none.
create or replace function public.referral_overview(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'code', u.referral_code,
    'invited', r.invited,
    'completed', u.total_referrals,
    'credits', u.referral_credits,
    'second_credits', private.setting('referral_second_credits')::integer,
    'referrer_credits', private.setting('referral_referrer_credits')::integer,
    'referred_credits', private.setting('referral_referred_credits')::integer,
    'was_referred', exists (select from public.user_referrals as w where w.referred_id = u.id)
  )
  from public.users as u
  cross join lateral (
    select count(*) as invited
      from public.user_referrals as i
     where i.referrer_id = u.id
  ) as r
  where u.id = p_user_id;
$$;

revoke all on function public.referral_overview from public, anon, authenticated, service_role;
grant execute on function public.referral_overview to bot_backend;
comment on function public.referral_overview is 'Returns the result of a user''s invitations';

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

comment on column public.user_referrals.second_credits is 'Credits of the user who had invited the referrer (setting referral_second_credits)';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "referral_second_credits", "about": "Bonus credits for the user who had invited the referrer; 0: no second level", "value": 0}') on conflict do nothing;
