-- Announces levels, hands teams over, finishes each exam by itself.
--
-- No live revision calls the dropped functions with these arguments, and the checks hold for all rows: their columns are new.
-- squawk-ignore-file ban-drop-function, constraint-missing-not-valid

drop function private.correct_training_xp(p_training public.trainings, p_before integer, p_after integer, p_reference text);

drop function public.finish_expired_exams(p_limit integer);

alter table public.teams add column notices integer default 0 not null;

alter table public.teams add column notices_on date;

-- Gives a user XP in an admin's name, or takes some, down to zero: a correction in the ledger (private.award_xp). It counts on
-- the board of all bots and all time. The user gets one message, and one about a new level.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE), then as private.award_xp.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: bigint         (total XP)
--   after: bigint
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the messages to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_adjust_xp(
  p_user_id bigint,
  p_points integer,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_before bigint;
  v_after bigint;
  v_award jsonb;
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_points, 0) = 0 or abs(p_points) > 1000000 then
    raise exception 'the points must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.total_xp into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'adjust_xp', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'points')::integer <> p_points then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'total_xp', 'after', v_known.after -> 'total_xp',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_award := private.award_xp(
    p_user_id, '', 'correction', 'admins:' || coalesce(p_reference, gen_random_uuid()::text), p_points
  );
  v_after := (v_award ->> 'total_xp')::bigint;
  v_id := private.write_audit(
    v_email, 'adjust_xp', p_user_id, p_reference,
    jsonb_build_object('total_xp', v_before),
    jsonb_strip_nulls(jsonb_build_object('total_xp', v_after, 'points', p_points, 'reason', v_reason))
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'xp', v_before, v_after)
      || private.announce_level(p_user_id, '', v_award)
  );
end
$$;

revoke all on function public.admin_adjust_xp from public, anon, authenticated, service_role;
grant execute on function public.admin_adjust_xp to bot_backend, service_role;
comment on function public.admin_adjust_xp is 'Gives a user XP in an admin''s name, or takes some';

-- Erases the user of an update, as the last change of this update. What accounting needs stays without the user:
-- orders and payments, the ledger, whose remaining balance is booked out first, and the audit log of admins. Users
-- whom they referred, or who referred them, keep their credits.
--
-- p_erasure {hash, balance}: the key of the tombstone in erased_users, and the balance that the user agreed to lose.
-- The update keeps its answer without the chat id, and its outbox items until they are delivered.
--
-- Concurrency: the caller holds the update row and has locked the user exclusively (private.lock_user): every other
--   change of the user's data is committed, or will find no user. Update rows of the user that are locked right now
--   are skipped; their workers anonymize them when they try to lock the user.
-- Locks: as private.anonymize_payment_data and private.save_tombstone, waiting alarms, update row, the user's other
--   update rows (FOR UPDATE SKIP LOCKED), outbox items, audit log, scores on boards, calls to AI providers, referrals, teams
--   by id, user.
-- Returns: void
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function private.erase_user(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is higher than the user agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference does not identify the user.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.anonymize_payment_data(v_user);
  perform private.save_tombstone(v_user, p_erasure ->> 'hash');

  -- An error message may quote the user's text.
  update private.waiting_alarms as w
     set values = w.values || '{"error": "—"}'
   where w.key = 'owner_alert'
     and exists (
       select
         from public.telegram_updates as t
        where t.bot = w.values ->> 'bot'
          and t.update_id = (w.values ->> 'update_id')::bigint
          and t.user_id = v_user.id
     );
  update public.telegram_updates as t
     set chat_id = null, thread_id = 0, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.anonymize_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  delete from private.waiting_alarms as w where w.values ->> 'user' = v_user.telegram_id::text;
  -- Bodies that could not be parsed have no user_id: search them for the Telegram id.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'invalid' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - 'reason', after = l.after - 'reason'
   where l.user_id = v_user.id;
  perform private.leave_boards(v_user.id);
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  perform private.hand_over_teams(v_user.id);
  -- Foreign keys delete the remaining rows or set their user_id to null.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_user from public, anon, authenticated, service_role;
comment on function private.erase_user is 'Erases the user of an update';

-- Records a user's answer to a quiz poll, once: the first answer counts. A right one gives XP. Any user who sees a forwarded
-- poll may answer it: the row is created like that of any update, without a session. A new level is
-- announced (private.announce_level).
--
-- p_telegram_user: as for receive_update. p_choice: empty where the vote was taken back.
--
-- Concurrency: the primary key of quiz_poll_answers lets one answer of a user count, so no update needs to be stored.
-- Locks: as private.upsert_user; user (NO KEY UPDATE), then as private.award_xp.
-- Returns: jsonb
--   outcome: 'counted' | 'known' | 'retracted' | 'banned' | 'unknown'   (unknown: no poll of this bot)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.record_poll_answer(p_bot text, p_poll_id text, p_telegram_user jsonb, p_choice jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_choice constant smallint[] := array(select c.position::smallint from jsonb_array_elements_text(p_choice) as c (position));
  v_poll public.quiz_polls;
  v_user public.users;
  v_is_right boolean;
  v_award jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select p.* into v_poll from public.quiz_polls as p where p.bot = p_bot and p.poll_id = p_poll_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown', 'outgoing', v_outgoing);
  elsif cardinality(v_choice) = 0 then
    return jsonb_build_object('outcome', 'retracted', 'outgoing', v_outgoing);
  end if;
  v_user := private.upsert_user(p_telegram_user, private.clock());
  if v_user.banned_at is not null and not v_user.is_admin then
    return jsonb_build_object('outcome', 'banned', 'outgoing', v_outgoing);
  end if;
  perform from public.users as u where u.id = v_user.id for no key update;
  v_is_right := v_poll.correct_option_ids @> v_choice and v_choice @> v_poll.correct_option_ids;
  insert into public.quiz_poll_answers (bot, poll_id, user_id, choice, is_right)
  values (p_bot, p_poll_id, v_user.id, v_choice, v_is_right)
  on conflict (bot, poll_id, user_id) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'known', 'outgoing', v_outgoing);
  end if;
  if v_is_right then
    v_award := private.award_xp(
      v_user.id, p_bot, 'quiz_right', private.unused_reference(v_user.id, 'quiz_right', 'poll:' || p_poll_id)
    );
    v_outgoing := private.announce_level(v_user.id, p_bot, v_award);
  end if;
  return jsonb_build_object('outcome', 'counted', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.record_poll_answer from public, anon, authenticated, service_role;
grant execute on function public.record_poll_answer to bot_backend;
comment on function public.record_poll_answer is 'Records a user''s answer to a quiz poll, once';

-- Completes the first served request of a user: clears `is_newcomer` and gives the XP of the rule
-- first_request, if the bot has one; a new level is announced.
--
-- Concurrency: the XP are given once, see private.award_xp.
-- Locks: user (NO KEY UPDATE).
-- Returns: void
-- Errors: none.
create or replace function private.complete_first_request(p_user_id bigint, p_bot text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  if found and exists (select from public.xp_rules as x where x.bot in (p_bot, '') and x.rule = 'first_request') then
    perform private.announce_level(
      p_user_id, p_bot, private.award_xp(p_user_id, p_bot, 'first_request', 'first_request')
    );
  end if;
end
$$;

revoke all on function private.complete_first_request from public, anon, authenticated, service_role;
comment on function private.complete_first_request is 'Completes the first served request of a user';

-- Completes a pending referral: both users get their credits, and the referrer gets XP; or ends it without credits when the referrer has
-- reached the setting referral_daily_limit. If the referrer was erased, the referred user still gets theirs.
--
-- Concurrency: both users are locked in the order of their ids, so two referrals that cross cannot deadlock. The
--   status is read under the lock and changes once.
-- Locks: both users (NO KEY UPDATE) by id, then the referral (FOR UPDATE).
-- Returns: text, completed | already_completed | limit_reached | not_new (the two referred each other, or the
--   referral was erased).
-- Errors: none.
create or replace function private.settle_referral(p_referred_id bigint)
returns text
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
begin
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id;
  perform from public.users as u
    where u.id in (v_referral.referrer_id, p_referred_id)
    order by u.id
      for no key update;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id for update;
  if v_referral.id is null then  -- erased concurrently
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
  perform private.announce_level(
      v_referral.referrer_id, '',
      private.award_xp(
        v_referral.referrer_id, '', 'referral_completed',
        private.unused_reference(v_referral.referrer_id, 'referral_completed', 'referral:' || v_referral.id)
      )
    )
    from public.xp_rules as x
   where x.bot = '' and x.rule = 'referral_completed' and v_referral.referrer_id is not null;
  return 'completed';
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated, service_role;
comment on function private.settle_referral is 'Completes a pending referral';

-- Notifies members of tasks that have opened, each once.
--
-- p_assignment_id: of this assignment only; null: of all.
--
-- Concurrency: tasks that another transaction has locked and users who are being erased are skipped.
-- Locks: tasks by opens_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.announce_tasks(p_assignment_id bigint, p_limit integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_task in
    select k.id, k.user_id, a.mode
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.announced_at is null
       and k.opens_at <= v_now
       and k.due_at > v_now
       and k.done_at is null
       and a.canceled_at is null
       and (p_assignment_id is null or k.assignment_id = p_assignment_id)
     order by k.opens_at, k.id
     limit p_limit
       for update of k skip locked
  loop
    perform from public.users as u where u.id = v_task.user_id for key share skip locked;
    continue when not found;
    update public.assignment_tasks as k
       set announced_at = v_now,
           -- A task that opens less than a day before its deadline needs no reminder.
           reminded_at = case when k.due_at <= v_now + interval '1 day' then v_now end
     where k.id = v_task.id;
    v_outgoing := v_outgoing || private.task_message(v_task.id, 'team_assigned_' || v_task.mode);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.announce_tasks from public, anon, authenticated, service_role;
comment on function private.announce_tasks is 'Notifies members of tasks that have opened, each once';

-- Prepares the erasure of a user for their teams: a team without other members ends, and one whose only manager they are
-- gets a new one, the member who joined first. The new manager and the other members are notified.
--
-- Concurrency: the teams are locked first, so the checks see who joined, left or became a manager meanwhile.
-- Locks: teams by id (FOR UPDATE).
-- Returns: void, the messages are left to the sweep.
-- Errors: none.
create or replace function private.hand_over_teams(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_successor bigint;
begin
  for v_team in
    select t.*
      from public.teams as t
     where t.id in (select m.team_id from public.team_members as m where m.user_id = p_user_id)
     order by t.id
       for update
  loop
    continue when not private.is_last_manager(p_user_id, v_team.id);
    update public.team_members as m
       set role = 'manager'
     where m.team_id = v_team.id
       and m.user_id = (
         select o.user_id
           from public.team_members as o
          where o.team_id = v_team.id and o.user_id <> p_user_id
          order by o.joined_at, o.user_id
          limit 1
       )
    returning m.user_id into v_successor;
    if not found then
      delete from public.teams as t where t.id = v_team.id;
      continue;
    end if;
    perform private.enqueue_user_message(
        m.user_id, v_team.bot,
        case when m.user_id = v_successor then 'team_inherited_notice' else 'team_new_manager_notice' end,
        jsonb_build_object(
          'team', jsonb_build_object('name', v_team.name),
          'name', jsonb_build_object('name', concat_ws(' ', u.first_name, u.last_name))
        ),
        jsonb_build_array(
          jsonb_build_array(jsonb_build_object('key', 'team_open_button', 'data', 'team:' || v_team.id))
        )
      )
      from public.team_members as m
      join public.users as u on u.id = v_successor
     where m.team_id = v_team.id and m.user_id <> p_user_id;
  end loop;
end
$$;

revoke all on function private.hand_over_teams from public, anon, authenticated, service_role;
comment on function private.hand_over_teams is 'Prepares the erasure of a user for their teams';

-- Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead.
-- The managers are notified, of a day's first members (setting team_daily_notices).
--
-- Concurrency: user and team are locked: two taps join once, and the limits of members and teams hold.
-- Locks: user (NO KEY UPDATE), team.
-- Returns: jsonb
--   outcome: 'joined' | 'known' | 'full' | 'limit' | 'none'   (known: a member already; none: the code is not valid any more)
--   team?: private.team_card                                  (joined, known)
--   most?: int                                                (limit)
--   outgoing?: outgoing                                       (joined: to deliver now)
-- Errors: V0001 no such user.
create or replace function public.join_team(p_user_id bigint, p_bot text, p_code text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_team public.teams;
  v_role text;
  v_today constant date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_most constant integer := private.setting('team_daily_notices')::integer;
  v_manager record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'V0001';
  end if;
  select t.* into v_team from public.teams as t where t.code = p_code and t.bot = p_bot for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  select m.role into v_role from public.team_members as m where m.team_id = v_team.id and m.user_id = p_user_id;
  if found then
    return jsonb_build_object('outcome', 'known', 'team', private.team_card(v_team, v_role));
  elsif private.setting('team_max_members')::integer
    <= (select count(*) from public.team_members as m where m.team_id = v_team.id)
  then
    return jsonb_build_object('outcome', 'full');
  elsif private.team_count(p_user_id, p_bot) >= private.setting('team_max_teams')::integer then
    return jsonb_build_object('outcome', 'limit', 'most', private.setting('team_max_teams')::integer);
  end if;
  insert into public.team_members (team_id, user_id, role) values (v_team.id, p_user_id, 'member');
  perform private.add_tasks(a, p_user_id)
    from public.assignments as a
   where a.team_id = v_team.id and a.canceled_at is null;
  update public.teams as t
     set notices = case when t.notices_on = v_today then t.notices + 1 else 1 end, notices_on = v_today
   where t.id = v_team.id
  returning t.* into v_team;
  for v_manager in
    select m.user_id
      from public.team_members as m
     where m.team_id = v_team.id and m.role = 'manager' and v_team.notices <= v_most
     order by m.user_id
  loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_manager.user_id, p_bot,
      case when v_team.notices < v_most then 'team_joined_notice' else 'team_joined_last_notice' end,
      jsonb_build_object(
        'name', jsonb_build_object('name', concat_ws(' ', v_user.first_name, v_user.last_name)),
        'team', jsonb_build_object('name', v_team.name)
      )
    );
  end loop;
  return jsonb_build_object('outcome', 'joined', 'team', private.team_card(v_team, 'member'), 'outgoing', v_outgoing);
end
$$;

revoke all on function public.join_team from public, anon, authenticated, service_role;
grant execute on function public.join_team to bot_backend;
comment on function public.join_team is 'Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead';

-- Changes a team's name or time zone, or renews the code of its invite link. Earlier deadlines keep their moment. For managers.
--
-- p_name, p_time_zone: null keeps them.
--
-- Concurrency: the team is locked; the last change counts.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'changed' | 'no_zone' | 'none'    (no_zone: no such IANA time zone)
--   team?: private.team_card                   (changed)
-- Errors: V0002 the name is invalid.
create or replace function public.update_team(
  p_user_id bigint, p_team_id bigint, p_name text default null, p_time_zone text default null,
  p_renew_code boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_zone text;
begin
  if length(p_name) not between 1 and 60 then
    raise exception 'the name of a team has 1 to 60 characters' using errcode = 'V0002';
  elsif private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  elsif p_time_zone is not null then
    v_zone := private.known_time_zone(p_time_zone);
    if v_zone is null then
      return jsonb_build_object('outcome', 'no_zone');
    end if;
  end if;
  update public.teams as t
     set name = coalesce(p_name, t.name),
         time_zone = coalesce(v_zone, t.time_zone),
         code = case when p_renew_code then private.random_code() else t.code end
   where t.id = p_team_id
  returning t.* into v_team;
  return jsonb_build_object('outcome', 'changed', 'team', private.team_card(v_team, 'manager'));
end
$$;

revoke all on function public.update_team from public, anon, authenticated, service_role;
grant execute on function public.update_team to bot_backend;
comment on function public.update_team is 'Changes a team''s name or time zone, or renews the code of its invite link';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     ban?: { reason: text | null, notified: boolean } | null
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  end if;
  if v_session.session_data ? 'paste' and p_kind = 'message'
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content into v_edited_question
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     order by m.id desc
     limit 1;
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_session.created_at >= v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
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
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters
      )
      else '[]'::json
    end,
    'edited_question', v_edited_question
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Decides about a disputed line in an admin's name: upholds its points, or corrects its label. A correction computes the
-- training's score again and changes the history, the XP (by a row of the ledger) and what was assigned. The user gets one
-- message, and one about a new level.
--
-- p_type: the right type, null: the points are upheld. p_is_contextual: whether it took up the client's words.
--
-- Concurrency: user, training and dispute are locked; of two admins the second gets what the first decided.
-- Locks: user (NO KEY UPDATE), training, dispute, session, then as private.recount_training, private.award_xp,
--   private.award_due_badges and private.count_for_task.
-- Returns: jsonb
--   outcome: 'upheld' | 'corrected' | 'known' | 'none'    (known: decided before; none: the user deleted the data)
--   status?: 'upheld' | 'corrected'    (known)
--   before?: int                       (corrected: the score)
--   after?: int                        (corrected)
--   xp?: int                           (corrected)
--   outgoing?: outgoing                (upheld, corrected: the messages to the user)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or user; N0008 no such type.
create or replace function public.admin_decide_dispute(
  p_dispute_id bigint, p_type text, p_is_contextual boolean, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_user public.users;
  v_training public.trainings;
  v_dispute public.training_disputes;
  v_turn public.training_turns;
  v_before integer;
  v_after integer;
  v_award jsonb;
  v_xp integer := 0;
  v_status text := case when p_type is null then 'upheld' else 'corrected' end;
begin
  select u.* into v_user
    from public.users as u
   where u.id = (select d.user_id from public.training_disputes as d where d.id = p_dispute_id)
     for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = (
     select r.training_id
       from public.training_disputes as d
       join public.training_turns as r on r.id = d.turn_id
      where d.id = p_dispute_id
   )
     for update;
  select d.* into v_dispute from public.training_disputes as d where d.id = p_dispute_id for update;
  if v_dispute.id is null or v_user.id is null then
    return jsonb_build_object('outcome', 'none');
  elsif v_dispute.status <> 'open' then
    return jsonb_build_object('outcome', 'known', 'status', v_dispute.status);
  elsif p_type is not null and not exists (
    select from jsonb_array_elements(v_training.rules -> 'types') as t (type) where t.type ->> 'id' = p_type
  ) then
    raise exception 'the scenario has no such type' using errcode = 'N0008';
  end if;
  select r.* into v_turn from public.training_turns as r where r.id = v_dispute.turn_id;
  v_before := (v_training.result ->> 'score')::integer;
  v_after := v_before;
  if p_type is not null then
    update public.training_turns as r
       set type = p_type,
           is_contextual = p_is_contextual and coalesce(v_training.drill_type, p_type) = p_type,
           why = case when v_training.drill_type <> p_type then 'other_type' else 'counted' end,
           points = 0
     where r.id = v_turn.id;
    v_training := private.recount_training(v_training);
    v_after := (v_training.result ->> 'score')::integer;
    if private.training_counts(v_training) then
      perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
      v_award := private.correct_training_xp(v_training, v_before, v_after, 'dispute:' || v_dispute.id);
      v_xp := coalesce((v_award ->> 'points')::integer, 0);
      perform private.award_due_badges(
        v_user.id, v_training.bot,
        private.training_facts(v_training, v_after, (v_training.result ->> 'chains')::integer)
      );
      perform private.count_for_task(v_training);
    end if;
  end if;
  update public.training_disputes as d
     set status = v_status, corrected_type = p_type, score_before = v_before, score_after = v_after,
         decided_at = private.clock()
   where d.id = v_dispute.id;
  perform private.write_audit(
    v_email, 'decide_dispute', v_user.id, p_reference,
    jsonb_build_object('training', v_training.id, 'line', v_turn.position, 'type', v_dispute.type, 'score', v_before),
    jsonb_build_object('type', coalesce(p_type, v_dispute.type), 'score', v_after, 'xp', v_xp, 'decision', v_status)
  );
  return jsonb_build_object(
    'outcome', v_status,
    'outgoing', private.enqueue_user_message(
      v_user.id, v_training.bot, 'trainer_dispute_' || v_status,
      jsonb_build_object('question', left(v_turn.question, 200), 'before', v_before, 'after', v_after, 'xp', v_xp),
      jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'trainer_result_button', 'data', 'result:' || v_training.id))
      )
    ) || private.announce_level(v_user.id, v_training.bot, v_award)
  ) || case
    when p_type is null then '{}'::jsonb
    else jsonb_build_object('before', v_before, 'after', v_after, 'xp', v_xp)
  end;
end
$$;

revoke all on function public.admin_decide_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_decide_dispute to bot_backend;
comment on function public.admin_decide_dispute is 'Decides about a disputed line in an admin''s name';

-- Corrects the XP of a training whose score has changed, by a row of the ledger: the share of the difference that the award
-- of the training was of its score. A training that does not count (private.training_counts) gives none now either.
--
-- p_reference: names the correction.
--
-- Concurrency: the caller has locked the user and corrects a dispute once.
-- Locks: as private.award_xp.
-- Returns: jsonb, of private.award_xp; null where the XP stay.
-- Errors: none.
create or replace function private.correct_training_xp(
  p_training public.trainings, p_before integer, p_after integer, p_reference text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_award public.xp_awards;
  v_share numeric := 1;
  v_points integer;
begin
  if not private.training_counts(p_training) then
    return null;
  end if;
  select a.* into v_award
    from public.xp_awards as a
   where a.user_id = p_training.user_id
     and a.rule = 'training_finished'
     and a.reference = coalesce(p_training.result ->> 'reference', concat(p_training.bot, ':', p_training.id));
  if found then
    v_share := v_award.points::numeric / v_award.requested;
  end if;
  if p_training.mode = 'drill' then
    v_points := round((p_after / 2 - p_before / 2) * v_share);
  else
    v_points := round((p_after - p_before) * v_share);
  end if;
  if v_points = 0 then
    return null;
  end if;
  return private.award_xp(
    p_training.user_id, p_training.bot, 'correction',
    private.unused_reference(p_training.user_id, 'correction', p_reference), v_points
  );
end
$$;

revoke all on function private.correct_training_xp from public, anon, authenticated, service_role;
comment on function private.correct_training_xp is 'Corrects the XP of a training whose score has changed, by a row of the ledger';

-- Returns exams whose time is over and that are still open, the oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ bigint ]             (trainings)
-- Errors: none.
create or replace function public.expired_exams(p_limit integer default 50)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(e.id order by e.id), '[]')
    from (
      select t.id
        from public.trainings as t
       where t.mode = 'exam'
         and t.status = 'open'
         -- A question that was sent in time is answered first.
         and private.exam_ends_at(t) < private.clock() - interval '2 minutes'
         and coalesce(t.turn_lease_until, '-infinity') < private.clock()
       order by t.id
       limit p_limit
    ) as e;
$$;

revoke all on function public.expired_exams from public, anon, authenticated, service_role;
grant execute on function public.expired_exams to bot_backend;
comment on function public.expired_exams is 'Returns exams whose time is over and that are still open';

-- Finishes an exam whose time is over (public.expired_exams), and sends its user a button to the result.
--
-- Concurrency: of two calls at once the second finds it finished.
-- Locks: as public.finish_training.
-- Returns: jsonb
--   outgoing               (empty: it was finished meanwhile)
-- Errors: none.
create or replace function public.finish_expired_exam(p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_exam public.trainings;
begin
  select t.* into v_exam from public.trainings as t where t.id = p_training_id;
  if not found or private.exam_ends_at(v_exam) >= private.clock()
    or public.finish_training(v_exam.user_id, v_exam.id, 'time') ->> 'outcome' <> 'finished'
  then
    return '[]'::jsonb;
  end if;
  return private.enqueue_user_message(
    v_exam.user_id, v_exam.bot, 'trainer_exam_over', '{}',
    jsonb_build_array(
      jsonb_build_array(jsonb_build_object('key', 'trainer_result_button', 'data', 'result:' || v_exam.id))
    )
  );
end
$$;

revoke all on function public.finish_expired_exam from public, anon, authenticated, service_role;
grant execute on function public.finish_expired_exam to bot_backend;
comment on function public.finish_expired_exam is 'Finishes an exam whose time is over, and sends its user a button to the result';

-- Enqueues the message about a new level, if an award reached one. For SQL functions whose result no user sees at once;
-- where the result of an award is shown (a training, a quiz), the screen says it. p_award: of private.award_xp.
--
-- The message comes from p_bot if it may write to the user, else from the bot that the user used last. Users who are banned
-- or whom no bot may write to get none.
--
-- Concurrency: only the call that inserted the award has leveled_up; the caller calls once for it.
-- Locks: none.
-- Returns: jsonb, list of the messages to deliver now, or left to the sweep (outgoing).
-- Errors: none.
create or replace function private.announce_level(p_user_id bigint, p_bot text, p_award jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
begin
  if not coalesce((p_award ->> 'leveled_up')::boolean, false) then
    return '[]'::jsonb;
  end if;
  select private.reachable_bot(u.id, u.telegram_id, p_bot) into v_bot
    from public.users as u
   where u.id = p_user_id and u.banned_at is null and u.is_active;
  return private.enqueue_user_message(
    p_user_id, v_bot, 'level_up', jsonb_build_object('level', p_award -> 'new_level', 'xp', p_award -> 'total_xp')
  );
end
$$;

revoke all on function private.announce_level from public, anon, authenticated, service_role;
comment on function private.announce_level is 'Enqueues the message about a new level, if an award reached one';

alter table public.teams add constraint teams_notices_check CHECK ((notices >= 0));

comment on column public.teams.notices is 'Messages to the managers about new members on the day notices_on (setting team_daily_notices)';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "team_daily_notices", "about": "Messages a day to each manager of a team about members who have joined", "value": 20}') on conflict do nothing;
