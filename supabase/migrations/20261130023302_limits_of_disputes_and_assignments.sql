-- Limits of disputes and assignments.

alter table public.trainings add column assigned_round text;

-- Assigns a training to all members of a team, in one or several weekly rounds, and announces the first round. For managers.
--
-- p_case: null: any of the scenario. p_due_on: the first deadline, a day of the team's time zone that is not over.
--
-- Concurrency: the manager is locked before the team, as an erasure does. The team is locked; a known reference assigns
--   nothing. Members who are being erased are skipped.
-- Locks: manager (KEY SHARE), team, members (KEY SHARE SKIP LOCKED), then as private.announce_tasks.
-- Returns: jsonb
--   outcome: 'created' | 'known' | 'none' | 'limit' | 'past' | 'empty'    (empty: the team has only managers)
--   assignment?: private.assignment_card    (created, known)
--   members?: int                           (created)
--   most?: int                              (limit)
--   outgoing?: outgoing                     (created: to deliver now)
-- Errors: none.
create or replace function public.create_assignment(
  p_user_id bigint, p_team_id bigint, p_scenario text, p_case text, p_mode text, p_difficulty text, p_due_on date,
  p_repetitions integer, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_team public.teams;
  v_assignment public.assignments;
  v_most integer := private.setting('team_max_assignments')::integer;
  v_count integer;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  end if;
  select a.* into v_assignment from public.assignments as a where a.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'assignment', private.assignment_card(v_assignment));
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  if p_due_on < (v_now at time zone v_team.time_zone)::date then
    return jsonb_build_object('outcome', 'past');
  elsif v_most <= (
    select count(*)
      from public.assignments as a
     where a.team_id = p_team_id
       -- One that was canceled today has sent its messages, too.
       and (a.canceled_at is null or a.created_at > v_now - interval '1 day')
       and a.first_due_on + 7 * (a.repetitions - 1) >= (v_now at time zone v_team.time_zone)::date
  ) then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  elsif not exists (select from public.team_members as m where m.team_id = p_team_id and m.role = 'member') then
    return jsonb_build_object('outcome', 'empty');
  end if;
  insert into public.assignments as a (
    team_id, created_by, scenario, case_id, mode, difficulty, first_due_on, repetitions, reference, created_at
  )
  values (
    p_team_id, p_user_id, p_scenario, p_case, p_mode, p_difficulty, p_due_on, p_repetitions, p_reference, v_now
  )
  returning a.* into v_assignment;
  with present as materialized (
    -- An erasure locks its user before the teams, so it is not waited for.
    select m.user_id
      from public.team_members as m
      join public.users as u on u.id = m.user_id
     where m.team_id = p_team_id and m.role = 'member'
     order by m.user_id
       for key share of u skip locked
  )
  select count(private.add_tasks(v_assignment, p.user_id)) into v_count from present as p;
  return jsonb_build_object(
    'outcome', 'created',
    'assignment', private.assignment_card(v_assignment),
    'members', v_count,
    'outgoing', private.announce_tasks(v_assignment.id, 200)
  );
end
$$;

revoke all on function public.create_assignment from public, anon, authenticated, service_role;
grant execute on function public.create_assignment to bot_backend;
comment on function public.create_assignment is 'Assigns a training to all members of a team, in one or several weekly rounds, and announces the first round';

-- Issues the certificate of a passed exam, once; it carries the name that the user has in Telegram at that moment.
--
-- Concurrency: user and training are locked in the order of an erasure; a certificate that exists is returned again.
-- Locks: user (KEY SHARE), training.
-- Returns: jsonb
--   { number: text, name: text, scenario: text, score: int, passed_at: timestamptz } | null    (null: not passed)
-- Errors: none.
create or replace function public.issue_certificate(p_user_id bigint, p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_training public.trainings;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if not coalesce(private.is_passed(v_training), false) then
    return null;
  end if;
  insert into public.certificates (training_id, user_id, name)
  select v_training.id, u.id, concat_ws(' ', u.first_name, u.last_name) from public.users as u where u.id = p_user_id
  on conflict (training_id) do nothing;
  return public.find_certificate(
    (select c.number from public.certificates as c where c.training_id = v_training.id)
  );
end
$$;

revoke all on function public.issue_certificate from public, anon, authenticated, service_role;
grant execute on function public.issue_certificate to bot_backend;
comment on function public.issue_certificate is 'Issues the certificate of a passed exam, once; it carries the name that the user has in Telegram at that moment';

-- Notes that a training is played for a task of its user, if it is what the task asks for.
--
-- Concurrency: the caller has locked the user; a training belongs to one task.
-- Locks: training.
-- Returns: void
-- Errors: none.
create or replace function private.link_training_to_task(p_training public.trainings, p_task_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with linked as (
    insert into public.assignment_trainings as r (training_id, task_id)
    select p_training.id, k.id
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.id = p_task_id
       and k.user_id = p_training.user_id
       and k.opens_at <= private.clock()
       and a.canceled_at is null
       and (a.scenario, a.mode, a.difficulty) = (p_training.scenario, p_training.mode, p_training.difficulty)
    on conflict (training_id) do nothing
    returning r.task_id
  )
  update public.trainings as t
     set assigned_round = concat(k.assignment_id, ':', k.number)
    from linked as l
    join public.assignment_tasks as k on k.id = l.task_id
   where t.id = p_training.id;
$$;

revoke all on function private.link_training_to_task from public, anon, authenticated, service_role;
comment on function private.link_training_to_task is 'Notes that a training is played for a task of its user, if it is what the task asks for';

-- Disputes the points of a line of a finished training: the admins are notified, once a line and at most 20 times in 24
-- hours for a user.
--
-- Concurrency: user and turn are locked; of two taps one notifies, and the limit holds.
-- Locks: user (NO KEY UPDATE), turn.
-- Returns: jsonb
--   outcome: 'sent' | 'known' | 'limit' | 'none'    (none: no such line in a finished training of the user)
--   outgoing?: outgoing                             (sent: to deliver now)
-- Errors: none.
create or replace function public.dispute_training_turn(p_user_id bigint, p_training_id bigint, p_position integer)
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
        'points', v_turn.points
      ),
      p_bot => v_training.bot
    )
  );
end
$$;

revoke all on function public.dispute_training_turn from public, anon, authenticated, service_role;
grant execute on function public.dispute_training_turn to bot_backend;
comment on function public.dispute_training_turn is 'Disputes the points of a line of a finished training';

-- Returns how many exams of a scenario a user has begun: for a task, or without one within the last 24 hours. An exam is
-- begun with its first question. Who leaves a team and joins it again has used the attempts of before.
--
-- Concurrency: read-only; the caller has locked the user.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.exams_begun(p_user_id bigint, p_bot text, p_scenario text, p_task_id bigint)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.trainings as t
    left join public.assignment_trainings as r on r.training_id = t.id
   where t.user_id = p_user_id
     and t.bot = p_bot
     and t.scenario = p_scenario
     and t.mode = 'exam'
     and t.first_question_at is not null
     and case
       when p_task_id is null then r.task_id is null and t.created_at > private.clock() - interval '1 day'
       else t.assigned_round = (
         select concat(k.assignment_id, ':', k.number) from public.assignment_tasks as k where k.id = p_task_id
       )
     end;
$$;

revoke all on function private.exams_begun from public, anon, authenticated, service_role;
comment on function private.exams_begun is 'Returns how many exams of a scenario a user has begun';

CREATE INDEX training_turns_disputed_idx ON public.training_turns USING btree (training_id) WHERE (disputed_at IS NOT NULL);

comment on column public.trainings.assigned_round is 'assignment:round that it was played for; stays when the user leaves the team';
