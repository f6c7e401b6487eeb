-- Finish trainings by update.

-- More parameters with defaults: the live revision calls them as before.
-- squawk-ignore ban-drop-function
drop function public.finish_reversed(p_user_id bigint, p_training_id bigint);

-- squawk-ignore ban-drop-function
drop function public.finish_training(p_user_id bigint, p_training_id bigint, p_reason text, p_case_data jsonb);

-- Refuses an id that no Telegram user can have: ids are positive and have at most 52 bits, and some stand for chats.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: void
-- Errors: L0001 no Telegram user can have this id.
create or replace function private.check_telegram_id(p_telegram_id bigint)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  -- 777000, 1087968824 and 136817688 stand for channels and anonymous admins (shared/telegram/update.py).
  if p_telegram_id is null or p_telegram_id <= 0 or p_telegram_id >= (1::bigint << 52)
    or p_telegram_id in (777000, 1087968824, 136817688)
  then
    raise exception 'no Telegram user can have this id' using errcode = 'L0001';
  end if;
end
$$;

revoke all on function private.check_telegram_id from public, anon, authenticated, service_role;
comment on function private.check_telegram_id is 'Refuses an id that no Telegram user can have';

-- Creates the user of a Telegram account that no bot has received an update of yet, and locks the row. The user
-- counts as new and active only with the first update (private.upsert_user).
--
-- Concurrency: two calls at once, or a first update at the same time, meet in the unique telegram_id and get the one
--   row.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.users, the row.
-- Errors: L0001 no Telegram user can have this id; 40001 the user was erased in this moment: a repeated call creates a
--   new user.
create or replace function private.create_unseen_user(p_telegram_id bigint)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  perform private.check_telegram_id(p_telegram_id);
  insert into public.users (telegram_id, has_started, active_on)
  values (p_telegram_id, false, date 'epoch')
  on conflict (telegram_id) do nothing;
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  return v_user;
end
$$;

revoke all on function private.create_unseen_user from public, anon, authenticated, service_role;
comment on function private.create_unseen_user is 'Creates the user of a Telegram account that no bot has seen yet';

-- Takes over a user of another bot's own table of users (./switchboard adopt). p_hash is the key of the user's tombstone, or
-- empty. p_data, each part optional: {username, first_name, last_name, language, language_code: text, created_at,
-- last_activity: timestamptz, is_banned: boolean, xp: int, balance: numeric, vip_level: int, ends_at: timestamptz (null:
-- the plan does not end), stats: {…}}.
-- Names and languages fill in what is missing of a user whom no bot has seen. Statistics that the bot has already stay. The plan
-- is the highest one up to vip_level. The user is no new user to a referrer.
--
-- Concurrency: the user's row is locked. XP, balance and plan have references with the bot and the Telegram id
--   (import:… and adopt:…), so a repetition gives nothing twice; another amount than then is refused.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   outcome: 'created' | 'changed' | 'unchanged' | 'erased'
--   xp: int                 (given now)
--   balance: numeric        (given now)
--   plan: text | null       (granted now)
-- Errors: L0001 no Telegram user can have this id; L0003 another balance was taken over before; L0004 the balance is invalid;
--   S0001 the bot's name is invalid; Z0002 the XP is invalid; Z0003 other XP was imported before; 40001 the user was erased at
--   this moment (retry).
create or replace function private.adopt_user(p_bot text, p_telegram_id bigint, p_hash text, p_data jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_key constant text := format('adopt:%s:%s', p_bot, p_telegram_id);
  v_created_at constant timestamptz := (p_data ->> 'created_at')::timestamptz;
  v_user public.users;
  v_before public.users;
  v_is_new boolean;
  v_result jsonb;
  v_plan text;
  v_xp integer := 0;
  v_balance numeric := 0;
  v_granted text;
  v_has_stats boolean := false;
begin
  perform private.check_bot_name(p_bot);
  if exists (select from public.erased_users as e where e.user_hash = decode(p_hash, 'hex')) then
    return jsonb_build_object('outcome', 'erased', 'xp', 0, 'balance', '0', 'plan', null);
  end if;
  perform private.check_telegram_id(p_telegram_id);
  insert into public.users as u (
    telegram_id, username, first_name, last_name, language, language_code, is_newcomer, banned_at, has_started, active_on,
    created_at, last_activity
  )
  values (
    p_telegram_id, p_data ->> 'username', coalesce(p_data ->> 'first_name', ''), p_data ->> 'last_name', p_data ->> 'language',
    coalesce(p_data ->> 'language_code', private.default_language()), false,
    case when (p_data ->> 'is_banned')::boolean then v_now end, false, date 'epoch', coalesce(v_created_at, v_now),
    coalesce((p_data ->> 'last_activity')::timestamptz, v_created_at, v_now)
  )
  on conflict (telegram_id) do nothing
  returning u.* into v_user;
  v_is_new := found;
  if not v_is_new then
    v_before := private.find_or_create_user(p_telegram_id);
    v_user := v_before;
    if not v_user.has_started then
      v_user.username := coalesce(v_user.username, p_data ->> 'username');
      v_user.first_name := coalesce(nullif(v_user.first_name, ''), p_data ->> 'first_name', '');
      v_user.last_name := coalesce(v_user.last_name, p_data ->> 'last_name');
      v_user.language := coalesce(v_user.language, p_data ->> 'language');
    end if;
    v_user.created_at := least(v_user.created_at, v_created_at);
    if v_user is distinct from v_before then
      update public.users as u
         set username = v_user.username, first_name = v_user.first_name, last_name = v_user.last_name,
             language = v_user.language, created_at = v_user.created_at
       where u.id = v_user.id;
    end if;
  end if;

  if coalesce((p_data ->> 'xp')::integer, 0) <> 0 then
    v_result := private.award_xp(
      v_user.id, p_bot, 'import', format('import:%s:%s', p_bot, p_telegram_id), (p_data ->> 'xp')::integer
    );
    v_xp := case when (v_result ->> 'awarded')::boolean then (v_result ->> 'points')::integer else 0 end;
  end if;
  if coalesce((p_data ->> 'balance')::numeric, 0) <> 0 then
    v_result := public.adjust_balance(
      p_telegram_id, (p_data ->> 'balance')::numeric, format('taken over from %s', p_bot), v_key
    );
    v_balance := case when (v_result ->> 'applied')::boolean then (p_data ->> 'balance')::numeric else 0 end;
  end if;
  if coalesce((p_data ->> 'ends_at')::timestamptz, 'infinity') > v_now then
    select l.plan into v_plan
      from public.subscription_limits as l
     where l.vip_level between 1 and (p_data ->> 'vip_level')::integer
     order by l.vip_level desc
     limit 1;
  end if;
  if v_plan is not null then
    insert into public.service_grants as g (user_id, kind, quantity, plan, reference)
    values (v_user.id, 'until', 1, v_plan, v_key)
    on conflict (reference) do nothing
    returning g.plan into v_granted;
  end if;
  if v_granted is not null then
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    values (v_user.id, v_plan, 'adopted', v_now, (p_data ->> 'ends_at')::timestamptz);
    perform private.refresh_access(v_user.id);
  end if;
  if p_data ? 'stats' then
    -- A copy stays under "adopted" when the bot computes its statistics anew (public.update_user_stats_after_training).
    insert into public.bot_sessions as s (user_id, bot, chat_id, stats_data, created_at, updated_at)
    values (
      v_user.id, p_bot, p_telegram_id, (p_data -> 'stats') || jsonb_build_object('adopted', p_data -> 'stats'),
      v_user.created_at, greatest(v_user.created_at, v_user.last_activity)
    )
    on conflict (user_id, bot, chat_id, thread_id) do update
      set stats_data = excluded.stats_data || s.stats_data
      where not s.stats_data ?& array(select k.key from jsonb_object_keys(excluded.stats_data) as k (key));
    v_has_stats := found;
  end if;
  return jsonb_build_object(
    'outcome', case
      when v_is_new then 'created'
      when v_xp <> 0 or v_balance <> 0 or v_granted is not null or v_has_stats or v_user is distinct from v_before
        then 'changed'
      else 'unchanged'
    end,
    'xp', v_xp, 'balance', v_balance::text, 'plan', v_granted
  );
end
$$;

revoke all on function private.adopt_user from public, anon, authenticated, service_role;
comment on function private.adopt_user is 'Takes over a user of another bot''s table of users';

-- Begins a turn of the open training: leases it for one update, and decides whether the AI may be used.
--
-- p_reference: the update's reference; it names the turn. p_cost: US dollars that the turn may cost at most.
-- p_lease_seconds: for how long other messages of the user wait.
--
-- Concurrency: the update's row and the training are locked. Of two messages at once the second finds the lease of the
--   first and is refused; a redelivery of the same update takes its own lease again; a turn that was recorded is
--   returned and begins nothing.
-- Locks: update row, user (KEY SHARE), training; near the bot's cost limit as private.is_within_bot_cost_limit.
-- Returns: jsonb
--   outcome: 'work' | 'known' | 'busy' | 'none' | 'no_access' | 'over' | 'superseded'   (over: it takes no
--     more questions)
--   training?: private.training_state     (work, known, busy, over)
--   turn?: private.training_turn          (known)
--   reason?: 'time' | 'limit'             (over: of the exam; of questions or messages)
--   may_use_ai?: boolean                  (work: the daily cost limits leave p_cost)
--   access?: private.resolve_access       (no_access)
-- Errors: none.
create or replace function public.begin_training_turn(
  p_bot text, p_update_id bigint, p_attempt integer, p_reference text, p_cost numeric, p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_update public.telegram_updates;
  v_user public.users;
  v_training public.trainings;
  v_turn public.training_turns;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt
    or not private.lock_user(v_update)
  then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  select r.* into v_turn
    from public.training_turns as r
    join public.trainings as t on t.id = r.training_id
   where t.user_id = v_update.user_id and t.bot = p_bot and r.reference = p_reference;
  if found then
    select t.* into v_training from public.trainings as t where t.id = v_turn.training_id;
    return jsonb_build_object(
      'outcome', 'known', 'training', private.training_state(v_training), 'turn', private.training_turn(v_training, v_turn)
    );
  end if;
  v_training := private.find_open_training(v_update.user_id, p_bot);
  v_now := private.clock();  -- waiting for the locks takes time
  if v_training.id is null then
    return jsonb_build_object('outcome', 'none');
  elsif v_training.turn_lease_until > v_now and v_training.turn_reference <> p_reference then
    return jsonb_build_object('outcome', 'busy', 'training', private.training_state(v_training));
  elsif private.exam_ends_at(v_training) <= v_now then
    return jsonb_build_object('outcome', 'over', 'training', private.training_state(v_training), 'reason', 'time');
  elsif v_training.mode <> 'reversed'
    and (
      v_training.question_count >= (v_training.rules ->> 'max_questions')::integer
      or v_training.turns >= (v_training.rules ->> 'max_turns')::integer
    )
  then
    -- The process ended between the last turn and the result.
    return jsonb_build_object('outcome', 'over', 'training', private.training_state(v_training), 'reason', 'limit');
  end if;
  if v_training.access_type is null then
    select u.* into v_user from public.users as u where u.id = v_update.user_id;
    if not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
      return jsonb_build_object('outcome', 'no_access', 'access', private.resolve_access(v_user, 1));
    end if;
  end if;
  update public.trainings as t
     set turn_reference = p_reference, turn_lease_until = v_now + make_interval(secs => p_lease_seconds)
   where t.id = v_training.id;
  return jsonb_build_object(
    'outcome', 'work', 'training', private.training_state(v_training),
    'may_use_ai', private.may_spend(v_update, p_cost)
  );
end
$$;

revoke all on function public.begin_training_turn from public, anon, authenticated, service_role;
grant execute on function public.begin_training_turn to bot_backend;
comment on function public.begin_training_turn is 'Begins a turn of the open training';

-- Finishes a training with reversed roles once all answered questions are judged. Its score is the number of questions that
-- the user labeled as the trainer did. With enough questions, and not faster than the scenario's shortest time, it awards
-- the XP of the rule reversed_finished, and badges only where the scenario says so (rules: gives_badges). It changes neither
-- the history nor the streak.
--
-- p_reference: the update that finishes it (public.training_finished_by).
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, then as private.award_xp and private.award_due_badges.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'busy' | 'unjudged' | 'none'    (busy: an answer is being recorded; unjudged: questions
--     are left to judge)
--   result?: private.training_result                                (finished, known)
-- Errors: none.
create or replace function public.finish_reversed(
  p_user_id bigint, p_training_id bigint, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_training public.trainings;
  v_matched integer;
  v_is_scored boolean;
  v_is_fast boolean;
  v_xp jsonb;
  v_badges jsonb := '[]'::jsonb;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed'
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_now := private.clock();
  if v_training.turn_lease_until > v_now then
    return jsonb_build_object('outcome', 'busy');
  elsif exists (
    select from public.training_turns as r where r.training_id = v_training.id and r.reply <> '' and r.is_useful is null
  ) then
    return jsonb_build_object('outcome', 'unjudged');
  end if;

  delete from public.training_turns as r where r.training_id = v_training.id and r.reply = '';
  select count(*) into v_matched
    from public.training_turns as r
   where r.training_id = v_training.id and r.judged_type = r.type;
  v_is_scored := v_training.question_count >= (v_training.rules ->> 'min_questions')::integer;
  v_is_fast := coalesce(
    v_now - v_training.first_question_at < make_interval(secs => (v_training.rules ->> 'min_seconds')::integer), false
  );
  if v_is_scored and not v_is_fast then
    v_xp := private.award_xp(
      p_user_id, v_training.bot, 'reversed_finished',
      private.unused_reference(p_user_id, 'reversed_finished', concat(v_training.bot, ':', v_training.id))
    );
    if (v_training.rules ->> 'gives_badges')::boolean then
      v_badges := private.award_due_badges(
        p_user_id, v_training.bot, jsonb_build_object('reversed_matched', v_matched)
      );
    end if;
  end if;
  update public.trainings as t
     set status = 'finished',
         turn_reference = p_reference,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = jsonb_build_object(
           'is_scored', v_is_scored, 'is_fast', v_is_fast, 'reason', 'judged', 'questions', 0, 'coverage', 0, 'order', 0,
           'depth', 0, 'chains', 0, 'score', v_matched, 'before', null, 'maestro_streak', null, 'xp', v_xp,
           'streak', null, 'badges', v_badges
         )
   where t.id = v_training.id
  returning t.* into v_training;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_reversed from public, anon, authenticated, service_role;
grant execute on function public.finish_reversed to bot_backend;
comment on function public.finish_reversed is 'Finishes a training with reversed roles';

-- Finishes a training: computes its score and, where it counts (private.training_counts), stores it in the history and awards
-- XP and badges, once. A drill gives half of its score as XP.
--
-- p_reason: button, limit or time; the button ends an exam whose time is over by its time. p_case_data: what the history keeps
-- of the case. p_reference: the update that finishes it (public.training_finished_by).
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again. A question that is
--   being answered is answered first: until then nothing is finished.
-- Locks: user (NO KEY UPDATE), training, session, then as private.award_xp, public.record_activity,
--   private.award_due_badges and private.count_for_task.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'busy' | 'none'    (known: it was finished before; busy: a question is being answered; none:
--     no such training, or abandoned)
--   result?: private.training_result                   (finished, known)
-- Errors: none.
create or replace function public.finish_training(
  p_user_id bigint, p_training_id bigint, p_reason text, p_case_data jsonb default '{}', p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_reason text := p_reason;
  v_user public.users;
  v_training public.trainings;
  v_chains integer;
  v_bonuses jsonb;
  v_before jsonb;
  v_reference text;
  v_score integer;
  v_awards jsonb;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' or v_training.mode = 'reversed' then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_now := private.clock();
  if v_training.turn_lease_until > v_now then
    return jsonb_build_object('outcome', 'busy');
  elsif p_reason = 'button' and private.exam_ends_at(v_training) <= v_now then
    v_reason := 'time';
  end if;

  select count(*) into v_chains
    from jsonb_array_elements(v_training.rules -> 'hidden') as h (item)
   where v_training.revealed ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id')
     and not v_training.rules -> 'given' ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id');
  v_bonuses := private.training_bonuses(
    v_training.rules,
    v_training.points,
    (
      select coalesce(jsonb_object_agg(f.type, f.place), '{}')
        from (
          select r.type, min(r.position) as place
            from public.training_turns as r
           where r.training_id = v_training.id and r.why in ('counted', 'capped')
           group by r.type
        ) as f
    ),
    v_chains
  );
  v_score := (v_bonuses ->> 'score')::integer;
  update public.trainings as t
     set status = 'finished',
         turn_reference = p_reference,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = v_bonuses || jsonb_build_object(
           'is_scored', t.question_count >= (t.rules ->> 'min_questions')::integer,
           'is_fast', coalesce(
             v_now - t.first_question_at < make_interval(secs => (t.rules ->> 'min_seconds')::integer), false
           ),
           'reason', v_reason, 'chains', v_chains, 'before', null, 'maestro_streak', null, 'xp', null, 'streak', null,
           'badges', '[]'::jsonb
         )
   where t.id = v_training.id
  returning t.* into v_training;
  if private.training_counts(v_training) then
    select jsonb_build_object('score', h.score, 'clarity_level', h.clarity_level) into v_before
      from public.training_history as h
     where h.user_id = p_user_id
       and h.bot = v_training.bot
       and h.scenario = v_training.scenario
       and h.mode = v_training.mode
     order by h.id desc
     limit 1;
    v_reference := private.training_reference(v_training);
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      p_user_id, v_training.bot, v_reference, v_training.scenario, v_training.mode, v_score, v_training.clarity_level,
      v_training.question_count, v_training.contextual_questions, v_training.per_type_counts,
      p_case_data || jsonb_build_object('case_id', v_training.case_id),
      jsonb_build_object(
        'training_id', v_training.id, 'version', v_training.version, 'difficulty', v_training.difficulty,
        'drill_type', v_training.drill_type, 'language', v_training.language, 'revealed', v_training.revealed,
        'facts_given', v_training.facts_given, 'chains', v_chains, 'bonuses', v_bonuses, 'reason', v_reason,
        'started_at', v_training.created_at
      ),
      v_now
    );
    perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
    v_awards := jsonb_build_object(
      'reference', v_reference,
      'before', v_before,
      'maestro_streak', private.maestro_streak(
        p_user_id, v_training.bot, v_training.scenario, (v_training.rules ->> 'maestro_score')::integer
      ),
      'xp', case
        when v_score > 1 then private.award_xp(
          p_user_id, v_training.bot, 'training_finished', v_reference,
          case when v_training.mode = 'drill' then v_score / 2 else v_score end
        )
      end,
      'streak', public.record_activity(p_user_id, v_training.bot),
      'badges', private.award_due_badges(
        p_user_id, v_training.bot, private.training_facts(v_training, v_score, v_chains)
      )
    );
    update public.trainings as t set result = t.result || v_awards where t.id = v_training.id
    returning t.* into v_training;
    perform private.count_for_task(v_training);
  end if;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_training from public, anon, authenticated, service_role;
grant execute on function public.finish_training to bot_backend;
comment on function public.finish_training is 'Finishes a training and awards what it gives';

-- Returns the result of the training that an update finished, so that its redelivery can send the result.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { result: private.training_result } | null    (null: the update finished no training)
-- Errors: none.
create or replace function public.training_finished_by(p_user_id bigint, p_bot text, p_reference text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('result', private.training_result(t))
    from public.trainings as t
   where t.user_id = p_user_id and t.bot = p_bot and t.status = 'finished' and t.turn_reference = p_reference
   order by t.id desc
   limit 1;
$$;

revoke all on function public.training_finished_by from public, anon, authenticated, service_role;
grant execute on function public.training_finished_by to bot_backend;
comment on function public.training_finished_by is 'Returns the result of the training that an update finished';

comment on column public.trainings.turn_reference is 'The update that is being answered; another one waits until turn_lease_until. Of a finished training: the update that finished it';
