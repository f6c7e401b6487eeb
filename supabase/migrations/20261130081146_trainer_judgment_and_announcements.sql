-- Ends the questions of a training with reversed roles for good, and announces badges and levels at once.
--
-- Only functions that this migration replaces call the dropped ones.
-- squawk-ignore-file ban-drop-function

drop function private.complete_first_request(p_user_id bigint, p_bot text);

drop function private.settle_referral(p_referred_id bigint);

-- Completes the first served request of a user: clears `is_newcomer` and gives the XP of the rule
-- first_request, if the bot has one; a new level is announced.
--
-- Concurrency: the XP are given once, see private.award_xp.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb, list of the messages to deliver now, or left to the sweep (outgoing).
-- Errors: none.
create or replace function private.complete_first_request(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  if found and exists (select from public.xp_rules as x where x.bot in (p_bot, '') and x.rule = 'first_request') then
    return private.announce_level(
      p_user_id, p_bot, private.award_xp(p_user_id, p_bot, 'first_request', 'first_request')
    );
  end if;
  return '[]'::jsonb;
end
$$;

revoke all on function private.complete_first_request from public, anon, authenticated, service_role;
comment on function private.complete_first_request is 'Completes the first served request of a user';

-- Attaches a new user who has no referrer yet to the owner of a referral code, and completes the referral: both users
-- get bonus credits. For our own code and other services; a bot completes a referral itself at the first served
-- request.
--
-- Concurrency: fifty calls at once complete it once (private.settle_referral). The first referrer stays: the code of
--   another one changes nothing.
-- Locks: as private.attach_referral and private.settle_referral.
-- Returns: jsonb
--   outcome: 'completed' | 'already_completed' | 'self' | 'unknown_code' | 'not_new' | 'limit_reached'
--   referrer_credits: int
--   referred_credits: int
-- Errors: none.
create or replace function public.complete_referral(p_user_id bigint, p_referral_code text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
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
    v_outcome := case when found then private.settle_referral(p_user_id) ->> 'outcome' else 'not_new' end;
  end if;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_user_id;
  return jsonb_build_object(
    'outcome', v_outcome,
    'referrer_credits', case when v_outcome = 'completed' then v_referral.referrer_credits else 0 end,
    'referred_credits', case when v_outcome = 'completed' then v_referral.referred_credits else 0 end
  );
end
$$;

revoke all on function public.complete_referral from public, anon, authenticated, service_role;
grant execute on function public.complete_referral to bot_backend, service_role;
comment on function public.complete_referral is 'Completes a referral: both users get bonus credits, once';

-- Completes a user's first served request: clears `is_newcomer`, gives XP, settles a pending referral and enqueues a message to
-- the referrer.
--
-- Concurrency: the caller holds the update row. Of two first requests at once the second finds the referral
--   completed. No user is locked before private.settle_referral locks both in the order of their ids.
-- Locks: referrer and user (NO KEY UPDATE) by id, then the referral.
-- Returns: jsonb, list of the messages about it, to deliver now or left to the sweep (outgoing): to the referrer, who is not
--   banned, and about new levels.
-- Errors: none.
create or replace function private.on_first_request(p_user_id bigint, p_bot text, p_update_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_referral public.user_referrals;
  v_settled jsonb;
  v_outgoing jsonb := '[]'::jsonb;
  v_parameters jsonb;
begin
  if not exists (select from public.users as u where u.id = p_user_id and u.is_newcomer) then
    return v_outgoing;
  end if;
  select r.* into v_referral
    from public.user_referrals as r
   where r.referred_id = p_user_id and r.status = 'pending';
  if found then
    v_settled := private.settle_referral(p_user_id);
  end if;
  if v_settled ->> 'outcome' = 'completed' then
    select jsonb_build_object(
        'chat_id', u.telegram_id,
        'key', 'referral_notice',
        'languages', jsonb_build_array(u.language, u.language_code),
        'values', jsonb_build_object('name', jsonb_build_object('name', n.first_name), 'credits', r.referrer_credits)
      )
      into v_parameters
      from public.user_referrals as r
      join public.users as u on u.id = r.referrer_id
      join public.users as n on n.id = r.referred_id
     where r.id = v_referral.id and u.banned_at is null;
    if found then  -- otherwise the referrer was erased, or is banned and gets no message
      v_outgoing := jsonb_build_array(
        jsonb_build_object(
          'bot', p_bot,
          'id', (private.enqueue_calls(
            p_bot, p_update_id,
            jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
          ) ->> 0)::bigint,
          'method', 'template',
          'parameters', v_parameters
        )
      );
    end if;
    v_outgoing := v_outgoing || (v_settled -> 'outgoing');
  end if;
  return v_outgoing || private.complete_first_request(p_user_id, p_bot);
end
$$;

revoke all on function private.on_first_request from public, anon, authenticated, service_role;
comment on function private.on_first_request is 'Completes what follows a user''s first served request';

-- Completes a pending referral: both users get their credits, and the referrer gets XP; or ends it without credits when the referrer has
-- reached the setting referral_daily_limit. If the referrer was erased, the referred user still gets theirs.
--
-- Concurrency: both users are locked in the order of their ids, so two referrals that cross cannot deadlock. The
--   status is read under the lock and changes once.
-- Locks: both users (NO KEY UPDATE) by id, then the referral (FOR UPDATE).
-- Returns: jsonb
--   outcome: 'completed' | 'already_completed' | 'limit_reached' | 'not_new'   (not_new: the two referred each other, or the
--     referral was erased)
--   outgoing: outgoing     (the message about the referrer's new level, to deliver now or left to the sweep)
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
begin
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id;
  perform from public.users as u
    where u.id in (v_referral.referrer_id, p_referred_id)
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
  return jsonb_build_object('outcome', 'completed', 'outgoing', coalesce(v_outgoing, '[]'::jsonb));
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated, service_role;
comment on function private.settle_referral is 'Completes a pending referral';

-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   ban_notified: the answer tells the user about the ban; of two such updates only the first one's answer is kept
--   erase {hash, balance}: erase the user (private.erase_user)
-- p_messages [{role, content, message_id}]: the conversation to store; it replaces rows of an edited message_id.
-- p_reservation: settled when a reserved request was served. Otherwise the request is released, unless a provider
-- call was billed, or a provider was called and the releases of the day (setting daily_releases) are used up.
-- p_outgoing: Bot API calls to enqueue. p_usage: the calls to AI providers (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared: a worker that lost its lease changes nothing, and a
--   repeated call after a lost response changes nothing and gets the same answer. Only the worker that finishes
--   records p_usage, so each call counts once. Session data are merged key by key and never written back whole, so a
--   button and a message at once lose nothing. For a user who was erased meanwhile nothing is written.
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), for a first request referrer and user by id,
--   request counters, the held update (FOR UPDATE SKIP LOCKED), session and messages, counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   follow_up?: outgoing   (finished: the messages of private.on_first_request, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent, because the user got it already)
-- Errors: Y0001 and Y0002, see private.erase_user; K0001 and K0002, see private.change_token.
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
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_hold interval := make_interval(secs => (p_session ->> 'hold')::double precision);
  v_outgoing jsonb := '[]'::jsonb;
  v_follow_up jsonb := '[]'::jsonb;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(jsonb_agg(o.id order by o.id), '[]'::jsonb) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return jsonb_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.lock_user(v_update, p_session ? 'erase') then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    p_reservation := case
      when private.has_billed_call(p_usage) then 'settled'
      when private.release_usage(
        v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from, p_usage <> '[]'
      ) then 'released'
      else 'settled'
    end;
  elsif p_reservation = 'settled' then
    v_follow_up := private.on_first_request(v_update.user_id, p_bot, p_update_id);
  end if;
  if p_session ? 'ban_notified' and not private.mark_ban_notified(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  if p_session ? 'finish_held' then
    update public.telegram_updates as t
       set status = 'finished', payload = null, error = null, lease_until = null
      from (
        select h.bot, h.update_id
          from public.telegram_updates as h
         where h.bot = p_bot and h.update_id = (p_session ->> 'finish_held')::bigint
           and h.user_id = v_update.user_id and h.status = 'failed'
           for update skip locked
      ) as held
     where t.bot = held.bot and t.update_id = held.update_id;
  end if;
  perform private.change_session(v_update, p_session, p_reservation, v_now);
  if p_messages <> '[]' then
    if v_update.kind = 'edited_message' then
      delete from public.messages as m
       where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
         and m.thread_id = v_update.thread_id and m.message_id = (p_messages -> 0 ->> 'message_id')::bigint;
    end if;
    insert into public.messages (user_id, bot, chat_id, thread_id, role, content, message_id, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, v_update.thread_id, m.value ->> 'role', m.value ->> 'content',
      (m.value ->> 'message_id')::bigint, v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.enqueue_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = case when v_hold is null then 'finished' else 'failed' end,
         payload = case when v_hold is not null then t.payload end,
         error = null,
         lease_until = v_now + v_hold - interval '1 minute',  -- the sweep waits a minute longer
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = case when v_hold is null then v_answer end
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_user(v_update, p_session -> 'erase');
  end if;
  return jsonb_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'follow_up', v_follow_up,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated, service_role;
grant execute on function public.finish_update to bot_backend;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- Decides about a disputed line in an admin's name: upholds its points, or corrects its label. A correction computes the
-- training's score again and changes the history, the XP (by a row of the ledger) and what was assigned; of a review, its
-- score only. The user gets one message, and one about a new level and about each new badge.
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
  v_badges jsonb := '[]'::jsonb;
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
      v_badges := private.award_due_badges(
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
    )
      || private.announce_level(v_user.id, v_training.bot, v_award)
      || private.announce_badges(v_user.id, v_training.bot, v_badges)
  ) || case
    when p_type is null then '{}'::jsonb
    else jsonb_build_object('before', v_before, 'after', v_after, 'xp', v_xp)
  end;
end
$$;

revoke all on function public.admin_decide_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_decide_dispute to bot_backend;
comment on function public.admin_decide_dispute is 'Decides about a disputed line in an admin''s name';

-- Records what the user, in the part of the client, answered to the AI's last question, and the AI's next question. The
-- first answer consumes the access to the training: a plan, a bonus credit or a free training, once.
--
-- p_reference: names the next question; for an answer, the update that public.begin_training_turn leased the training to.
-- p_answer: null at the start, when there is no question to answer yet. p_question: {question, type, is_contextual,
-- used_fragment, touches, source}; null after the last answer.
--
-- Concurrency: the user's row and the training are locked; a reference that was recorded changes nothing, and a worker
--   whose lease another update has taken changes nothing. After the last answer there is no question left to answer, so a
--   repeated call records nothing either.
-- Locks: user (NO KEY UPDATE), training, turn, then as public.consume_access.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'no_access' | 'superseded'   (superseded: the training is closed, or the lease is lost)
--   training?: private.training_state                           (recorded, known)
-- Errors: Z0010 the answer is blank.
create or replace function public.record_reversed_turn(
  p_user_id bigint, p_training_id bigint, p_reference text, p_answer text, p_question jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_spaces constant text := E' \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
    '\u2028\u2029\u202f\u205f\u3000';
  v_now timestamptz;
  v_telegram_id bigint;
  v_training public.trainings;
  v_pending bigint;
  v_access jsonb;
begin
  if translate(p_answer, v_spaces, '') = '' then
    raise exception 'an answer needs words' using errcode = 'Z0010';
  end if;
  select u.telegram_id into v_telegram_id from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed'
     for update;
  if exists (
    select from public.training_turns as r where r.training_id = v_training.id and r.reference = p_reference
  ) then
    return jsonb_build_object('outcome', 'known', 'training', private.training_state(v_training));
  end if;
  select r.id into v_pending
    from public.training_turns as r
   where r.training_id = v_training.id and r.reply = ''
     for update;
  if v_training.status is distinct from 'open'
    or p_answer is null and v_training.turns > 0
    or p_answer is not null and v_training.turn_reference is distinct from p_reference
  then
    return jsonb_build_object('outcome', 'superseded');
  elsif p_answer is not null and v_pending is null then
    update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
    return jsonb_build_object('outcome', 'known', 'training', private.training_state(v_training));
  end if;

  v_now := private.clock();
  if p_answer is not null then
    if v_training.access_type is null then
      v_access := private.consume_for_training(v_training, v_telegram_id);
      if not (v_access ->> 'has_access')::boolean then
        update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
        return jsonb_build_object('outcome', 'no_access');
      end if;
    end if;
    update public.training_turns as r set reply = p_answer where r.id = v_pending;
  end if;
  update public.trainings as t
     set access_type = coalesce(t.access_type, v_access ->> 'access_type'),
         turns = t.turns + (p_question is not null)::integer,
         question_count = t.question_count + (p_answer is not null)::integer,
         first_question_at = case when p_answer is null then null else coalesce(t.first_question_at, v_now) end,
         turn_reference = null,
         turn_lease_until = null,
         updated_at = v_now
   where t.id = v_training.id
  returning t.* into v_training;
  if p_question is not null then
    insert into public.training_turns as r (
      training_id, reference, position, question, reply, kind, type, why, is_contextual, is_copied, used_fragment,
      touches, revealed, source, points, clarity_level, created_at
    )
    values (
      v_training.id, p_reference, v_training.turns, p_question ->> 'question', '', 'question', p_question ->> 'type',
      'counted', (p_question ->> 'is_contextual')::boolean, false, p_question ->> 'used_fragment',
      p_question -> 'touches', '[]', p_question ->> 'source', 0, 0, v_now
    );
  end if;
  return jsonb_build_object('outcome', 'recorded', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.record_reversed_turn from public, anon, authenticated, service_role;
grant execute on function public.record_reversed_turn to bot_backend;
comment on function public.record_reversed_turn is 'Records the user''s answer to the AI''s question, and the next question';

-- Ends the questions of a training with reversed roles: the one that waits for an answer is dropped, and what the user writes
-- from now on is no answer. Without any answer nothing changes: there is nothing to judge.
--
-- Concurrency: the user's row and the training are locked; an answer that is being recorded is recorded first. A repeated
--   call changes nothing.
-- Locks: user (NO KEY UPDATE), training, turn.
-- Returns: jsonb
--   outcome: 'stopped' | 'busy' | 'none'     (busy: an answer is being recorded; none: no such open training)
--   training?: private.training_state        (stopped)
-- Errors: none.
create or replace function public.stop_reversed_questions(p_user_id bigint, p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_training public.trainings;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed' and t.status = 'open'
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_training.turn_lease_until > private.clock() then
    return jsonb_build_object('outcome', 'busy');
  elsif v_training.question_count > 0 then
    delete from public.training_turns as r where r.training_id = v_training.id and r.reply = '';
  end if;
  return jsonb_build_object('outcome', 'stopped', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.stop_reversed_questions from public, anon, authenticated, service_role;
grant execute on function public.stop_reversed_questions to bot_backend;
comment on function public.stop_reversed_questions is 'Ends the questions of a training with reversed roles';

-- Returns the finished trainings of a user that left nothing in the history, for the screen of a user without any history.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   short: int             (with too few questions, or over too fast)
--   reversed: int          (with reversed roles)
--   min_questions: int     (of the last short one; 0: there is none)
--   min_seconds: int
-- Errors: none.
create or replace function public.uncounted_trainings(p_user_id bigint, p_bot text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'short', count(*) filter (where t.mode not in ('reversed', 'review')),
      'reversed', count(*) filter (where t.mode = 'reversed'),
      'min_questions', coalesce(
        (array_agg(t.rules ->> 'min_questions' order by t.id desc) filter (where t.mode not in ('reversed', 'review')))[1]::integer, 0
      ),
      'min_seconds', coalesce(
        (array_agg(t.rules ->> 'min_seconds' order by t.id desc) filter (where t.mode not in ('reversed', 'review')))[1]::integer, 0
      )
    )
    from public.trainings as t
   where t.user_id = p_user_id and t.bot = p_bot and t.status = 'finished' and not private.training_counts(t);
$$;

revoke all on function public.uncounted_trainings from public, anon, authenticated, service_role;
grant execute on function public.uncounted_trainings to bot_backend;
comment on function public.uncounted_trainings is 'Returns the finished trainings of a user that left nothing in the history';

-- Enqueues a message about each badge that a user has just received. For SQL functions whose result no user sees at once; where
-- the result is shown (a training, a quiz), the screen says it. p_badges: of private.award_due_badges.
--
-- The messages come from p_bot if it may write to the user, else from the bot that the user used last. Users who are banned
-- or whom no bot may write to get none.
--
-- Concurrency: only the call that awarded a badge returns it; the caller calls once for it.
-- Locks: none.
-- Returns: jsonb, list of the messages to deliver now, or left to the sweep (outgoing).
-- Errors: none.
create or replace function private.announce_badges(p_user_id bigint, p_bot text, p_badges jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
  v_badge text;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select private.reachable_bot(u.id, u.telegram_id, p_bot) into v_bot
    from public.users as u
   where u.id = p_user_id and u.banned_at is null and u.is_active;
  for v_badge in select b.badge from jsonb_array_elements_text(p_badges) as b (badge) loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      p_user_id, v_bot, 'badge_new', jsonb_build_object('name', jsonb_build_object('badge', v_badge))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.announce_badges from public, anon, authenticated, service_role;
comment on function private.announce_badges is 'Enqueues a message about each badge that a user has just received';
