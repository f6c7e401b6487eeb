-- Disputes.

drop function public.dispute_training_turn(p_user_id bigint, p_training_id bigint, p_position integer);

-- Lines of finished trainings whose points the user disputed, and what an admin decided.
--
-- open ─▶ upheld       the points stay
--    └──▶ corrected    the line got another label, and the score was computed again

create table public.training_disputes (
  id bigint generated always as identity primary key,
  turn_id bigint not null unique references public.training_turns (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  type text not null,
  reason text not null check (length(reason) <= 500),
  status text not null default 'open' check (status in ('open', 'upheld', 'corrected')),
  corrected_type text,
  score_before integer,
  score_after integer,
  created_at timestamptz not null default private.clock(),
  decided_at timestamptz,
  check ((status = 'open') = (decided_at is null)),
  check ((status = 'corrected') = (corrected_type is not null))
);

create index training_disputes_user_idx on public.training_disputes (user_id);

comment on table public.training_disputes is 'Lines of trainings whose points the user disputed';
comment on column public.training_disputes.type is 'The label that was disputed';
comment on column public.training_disputes.corrected_type is 'The label that an admin gave it instead';
alter table public.training_disputes enable row level security;
revoke all on table public.training_disputes from public, anon, authenticated, service_role;
revoke all on sequence public.training_disputes_id_seq from public, anon, authenticated, service_role;

-- Returns the result of a finished training, with a line for each message that counts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   training_id: bigint
--   scenario: text
--   case_id: text
--   mode: 'practice' | 'drill' | 'exam'
--   drill_type: text | null
--   language: text
--   is_scored: boolean     (false: too few questions; nothing was given)
--   is_fast: boolean       (too fast for XP)
--   reason: text
--   score: int
--   questions: int         (points of the questions)
--   coverage: int
--   order: int
--   depth: int
--   chains: int
--   clarity_level: int
--   question_count: int
--   contextual_questions: int
--   per_type_counts: { [text]: int }
--   min_questions: int
--   before: { score: int, clarity_level: int } | null    (the training before in the same scenario and mode)
--   maestro_streak: int | null
--   xp: public.award_xp | null
--   badges: [ text ]       (received now)
--   exam: { score: int, is_passed: boolean } | null    (the pass mark)
--   lines: [ {
--     position: int, question: text, reply: text, type: text, why: 'counted' | 'repeated' | 'capped' | 'other_type',
--     points: int, is_contextual: boolean, is_copied: boolean, used_fragment: text, revealed: [ text ],
--     is_disputed: boolean, dispute: 'open' | 'upheld' | 'corrected' | null
--   } ]
-- Errors: none.
create or replace function private.training_result(p_training public.trainings)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_training.result || jsonb_build_object(
    'training_id', p_training.id,
    'scenario', p_training.scenario,
    'case_id', p_training.case_id,
    'mode', p_training.mode,
    'drill_type', p_training.drill_type,
    'language', p_training.language,
    'clarity_level', p_training.clarity_level,
    'question_count', p_training.question_count,
    'contextual_questions', p_training.contextual_questions,
    'per_type_counts', p_training.per_type_counts,
    'min_questions', (p_training.rules ->> 'min_questions')::integer,
    'exam', case
      when p_training.mode = 'exam' then jsonb_build_object(
        'score', p_training.rules -> 'exam' -> 'score', 'is_passed', private.is_passed(p_training)
      )
    end,
    'lines', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'position', r.position, 'question', r.question, 'reply', r.reply, 'type', r.type, 'why', r.why,
              'points', r.points, 'is_contextual', r.is_contextual, 'is_copied', r.is_copied,
              'used_fragment', r.used_fragment, 'revealed', r.revealed, 'is_disputed', r.disputed_at is not null,
              'dispute', (select d.status from public.training_disputes as d where d.turn_id = r.id)
            )
            order by r.position
          ),
          '[]'
        )
        from public.training_turns as r
       where r.training_id = p_training.id and r.why <> 'none'
    )
  );
$$;

revoke all on function private.training_result from public, anon, authenticated, service_role;
comment on function private.training_result is 'Returns the result of a finished training';

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
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
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

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Decides about a disputed line in an admin's name: upholds its points, or corrects its label. A correction computes the
-- training's score again and changes the history, the XP (by a row of the ledger) and what was assigned. The user gets one
-- message.
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
--   outgoing?: outgoing                (upheld, corrected: the message to the user)
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
    if (v_training.result ->> 'is_scored')::boolean then
      perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
      v_xp := private.correct_training_xp(v_training, v_before, v_after, 'dispute:' || v_dispute.id);
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
    )
  ) || case
    when p_type is null then '{}'::jsonb
    else jsonb_build_object('before', v_before, 'after', v_after, 'xp', v_xp)
  end;
end
$$;

revoke all on function public.admin_decide_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_decide_dispute to bot_backend;
comment on function public.admin_decide_dispute is 'Decides about a disputed line in an admin''s name';

-- Returns a disputed line to an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     id: bigint, status: 'open' | 'upheld' | 'corrected', scenario: text, question: text, answer: text, reason: text,
--     type: text, points: int, is_contextual: boolean, corrected_type: text | null
--   } | null
-- Errors: N0001 not an admin.
create or replace function public.admin_get_dispute(p_dispute_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select jsonb_build_object(
        'id', d.id, 'status', d.status, 'scenario', t.scenario, 'question', r.question,
        'answer', coalesce(
          (
            select b.reply from public.training_turns as b where b.training_id = t.id and b.position = r.position - 1
          ),
          ''
        ),
        'reason', d.reason, 'type', d.type, 'points', r.points, 'is_contextual', r.is_contextual,
        'corrected_type', d.corrected_type
      )
      from public.training_disputes as d
      join public.training_turns as r on r.id = d.turn_id
      join public.trainings as t on t.id = r.training_id
     where d.id = p_dispute_id
  );
end
$$;

revoke all on function public.admin_get_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_get_dispute to bot_backend;
comment on function public.admin_get_dispute is 'Returns a disputed line to an admin';

-- Corrects the XP of a training whose score has changed, by a row of the ledger: the share of the difference that the award
-- of the training was of its score. A training that gave no XP because it was too fast gives none now.
--
-- p_reference: names the correction.
--
-- Concurrency: as private.award_xp, once per reference.
-- Locks: as private.award_xp.
-- Returns: integer, the XP added or taken.
-- Errors: none.
create or replace function private.correct_training_xp(
  p_training public.trainings, p_before integer, p_after integer, p_reference text
)
returns integer
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
  if not (p_training.result ->> 'is_scored')::boolean or (p_training.result ->> 'is_fast')::boolean then
    return 0;
  end if;
  select a.* into v_award
    from public.xp_awards as a
   where a.user_id = p_training.user_id
     and a.rule = 'training_finished'
     and a.reference = concat(p_training.bot, ':', p_training.id);
  if found then
    v_share := v_award.points::numeric / v_award.requested;
  end if;
  if p_training.mode = 'drill' then
    v_points := round((p_after / 2 - p_before / 2) * v_share);
  else
    v_points := round((p_after - p_before) * v_share);
  end if;
  if v_points = 0 then
    return 0;
  end if;
  return (private.award_xp(p_training.user_id, p_training.bot, 'correction', p_reference, v_points) ->> 'points')::integer;
end
$$;

revoke all on function private.correct_training_xp from public, anon, authenticated, service_role;
comment on function private.correct_training_xp is 'Corrects the XP of a training whose score has changed, by a row of the ledger';

-- Disputes the points of a line of a finished training: the admins are notified, once a line and at most 20 times in 24
-- hours for a user, with buttons to uphold the points or to correct the label (public.admin_decide_dispute).
--
-- p_reason: what the user says about it; at most 500 characters are kept.
--
-- Concurrency: user and turn are locked; of two taps one notifies, and the limit holds.
-- Locks: user (NO KEY UPDATE), turn.
-- Returns: jsonb
--   outcome: 'sent' | 'known' | 'limit' | 'none'    (none: no such line in a finished training of the user)
--   outgoing?: outgoing                             (sent: to deliver now)
-- Errors: none.
create or replace function public.dispute_training_turn(
  p_user_id bigint, p_training_id bigint, p_position integer, p_reason text default ''
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_training public.trainings;
  v_turn public.training_turns;
  v_id bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'finished';
  select r.* into v_turn
    from public.training_turns as r
   where r.training_id = v_training.id and r.position = p_position
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_turn.disputed_at is not null then
    return jsonb_build_object('outcome', 'known');
  elsif 20 <= (
    select count(*)
      from public.trainings as t
      join public.training_turns as r on r.training_id = t.id
     where t.user_id = p_user_id and r.disputed_at > private.clock() - interval '1 day'
  ) then
    return jsonb_build_object('outcome', 'limit');
  end if;
  update public.training_turns as r set disputed_at = private.clock() where r.id = v_turn.id;
  insert into public.training_disputes as d (turn_id, user_id, type, reason)
  values (v_turn.id, p_user_id, v_turn.type, left(coalesce(p_reason, ''), 500))
  returning d.id into v_id;
  return jsonb_build_object(
    'outcome', 'sent',
    'outgoing', private.notify_admins(
      'admin_training_dispute',
      jsonb_build_object(
        'user', v_user.telegram_id,
        'training', v_training.id::text,
        'scenario', v_training.scenario,
        'case', v_training.case_id,
        'number', v_turn.position,
        'question', left(v_turn.question, 500),
        'answer', coalesce(
          (
            select left(b.reply, 500)
              from public.training_turns as b
             where b.training_id = v_training.id and b.position = v_turn.position - 1
          ),
          '—'
        ),
        'type', v_turn.type,
        'why', v_turn.why,
        'points', v_turn.points,
        'reason', coalesce(nullif(left(p_reason, 500), ''), '—')
      ),
      jsonb_build_array(
        jsonb_build_array(
          jsonb_build_object('key', 'trainer_uphold_button', 'data', 'verdict:' || v_id || ':uphold'),
          jsonb_build_object('key', 'trainer_correct_button', 'data', 'verdict:' || v_id || ':correct')
        )
      ),
      p_bot => v_training.bot
    )
  );
end
$$;

revoke all on function public.dispute_training_turn from public, anon, authenticated, service_role;
grant execute on function public.dispute_training_turn to bot_backend;
comment on function public.dispute_training_turn is 'Disputes the points of a line of a finished training';

-- Computes the points of a finished training's lines and its score again, after a label was corrected: as
-- public.record_training_turn and public.finish_training did. Clarity and chains stay: the client has said what it said.
--
-- Concurrency: the caller has locked the training.
-- Locks: turns, history row.
-- Returns: public.trainings, with the new result.
-- Errors: none.
create or replace function private.recount_training(p_training public.trainings)
returns public.trainings
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_turn public.training_turns;
  v_counts jsonb := '{}'::jsonb;
  v_first jsonb := '{}'::jsonb;
  v_count integer;
  v_cap integer;
  v_points integer := 0;
  v_bonuses jsonb;
  v_training public.trainings := p_training;
begin
  for v_turn in
    select r.* from public.training_turns as r where r.training_id = p_training.id order by r.position
  loop
    if v_turn.why in ('counted', 'capped') then
      select (t.type ->> 'cap')::integer into v_cap
        from jsonb_array_elements(p_training.rules -> 'types') as t (type)
       where t.type ->> 'id' = v_turn.type;
      v_count := coalesce((v_counts ->> v_turn.type)::integer, 0);
      v_turn.points := private.turn_points(p_training.rules, v_turn.type, v_count, v_turn.is_contextual);
      update public.training_turns as r
         set points = v_turn.points, why = case when v_count >= v_cap then 'capped' else 'counted' end
       where r.id = v_turn.id;
      v_first := jsonb_build_object(v_turn.type, v_turn.position) || v_first;
      v_counts := v_counts || jsonb_build_object(v_turn.type, v_count + 1);
      v_points := v_points + v_turn.points;
    end if;
  end loop;
  v_bonuses := private.training_bonuses(p_training.rules, v_points, v_first, (p_training.result ->> 'chains')::integer);
  update public.trainings as t
     set per_type_counts = v_counts,
         points = v_points,
         contextual_questions = (
           select count(*) from public.training_turns as r where r.training_id = t.id and r.is_contextual
         ),
         question_count = (
           select count(*) from public.training_turns as r where r.training_id = t.id and r.why <> 'none'
         ),
         result = t.result || v_bonuses
   where t.id = p_training.id
  returning t.* into v_training;
  update public.training_history as h
     set score = (v_bonuses ->> 'score')::integer,
         per_type_counts = v_training.per_type_counts,
         contextual_questions = v_training.contextual_questions,
         question_count = v_training.question_count,
         session_snapshot = h.session_snapshot || jsonb_build_object('bonuses', v_bonuses)
   where h.user_id = v_training.user_id
     and h.bot = v_training.bot
     and h.reference = concat(v_training.bot, ':', v_training.id);
  return v_training;
end
$$;

revoke all on function private.recount_training from public, anon, authenticated, service_role;
comment on function private.recount_training is 'Computes the points of a finished training''s lines and its score again, after a label was corrected';
