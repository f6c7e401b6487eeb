-- Teams.

-- Teams of a trainer bot: managers assign trainings to the members and see their results.

create table public.teams (
  id bigint generated always as identity primary key,
  bot text not null check (bot <> ''),
  name text not null check (length(name) between 1 and 60),
  code text not null unique default private.random_code(),
  time_zone text not null,
  reference text not null unique,
  created_at timestamptz not null default private.clock()
);

comment on table public.teams is 'Teams of a trainer bot';
comment on column public.teams.code is 'What the invite link holds; renewing it makes earlier links invalid';
comment on column public.teams.time_zone is 'IANA time zone in which the day of a deadline ends';
comment on column public.teams.reference is 'Idempotency key: the update that created it';
alter table public.teams enable row level security;
revoke all on table public.teams from public, anon, authenticated, service_role;
revoke all on sequence public.teams_id_seq from public, anon, authenticated, service_role;

-- Who belongs to a team. What a manager sees of a member ends with the row.

create table public.team_members (
  team_id bigint not null references public.teams (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  role text not null check (role in ('manager', 'member')),
  joined_at timestamptz not null default private.clock(),
  primary key (team_id, user_id)
);

create index team_members_user_idx on public.team_members (user_id);

comment on table public.team_members is 'Who belongs to a team';
alter table public.team_members enable row level security;
revoke all on table public.team_members from public, anon, authenticated, service_role;

-- Trainings that a manager assigned to a team.

create table public.assignments (
  id bigint generated always as identity primary key,
  team_id bigint not null references public.teams (id) on delete cascade,
  created_by bigint references public.users (id) on delete set null,
  scenario text not null check (scenario <> ''),
  case_id text check (case_id <> ''),
  mode text not null check (mode in ('practice', 'exam')),
  difficulty text not null check (difficulty in ('easy', 'medium', 'hard')),
  first_due_on date not null,
  repetitions integer not null check (repetitions between 1 and 12),
  reference text not null unique,
  canceled_at timestamptz,
  created_at timestamptz not null default private.clock()
);

create index assignments_team_idx on public.assignments (team_id);
create index assignments_created_by_idx on public.assignments (created_by);

comment on table public.assignments is 'Trainings that a manager assigned to a team';
comment on column public.assignments.case_id is 'The case to play; null: any of the scenario';
comment on column public.assignments.first_due_on is 'Day in the team''s time zone with whose end the first round ends';
comment on column public.assignments.repetitions is 'Rounds, one a week';
comment on column public.assignments.reference is 'Idempotency key: the update that created it';
alter table public.assignments enable row level security;
revoke all on table public.assignments from public, anon, authenticated, service_role;
revoke all on sequence public.assignments_id_seq from public, anon, authenticated, service_role;

-- What an assignment asks of one member: one row for each round.

create table public.assignment_tasks (
  id bigint generated always as identity primary key,
  assignment_id bigint not null references public.assignments (id) on delete cascade,
  team_id bigint not null,
  user_id bigint not null references public.users (id) on delete cascade,
  number integer not null check (number > 0),
  opens_at timestamptz not null,
  due_on date not null,
  due_at timestamptz not null,
  announced_at timestamptz,
  reminded_at timestamptz,
  done_at timestamptz,
  best_score integer check (best_score >= 0),
  is_passed boolean,
  unique (assignment_id, user_id, number),
  check ((done_at is null) = (best_score is null)),
  foreign key (team_id, user_id) references public.team_members (team_id, user_id) on delete cascade
);

create index assignment_tasks_user_idx on public.assignment_tasks (user_id);
create index assignment_tasks_member_idx on public.assignment_tasks (team_id, user_id);
create index assignment_tasks_announce_idx on public.assignment_tasks (opens_at) where announced_at is null;
create index assignment_tasks_remind_idx on public.assignment_tasks (due_at) where reminded_at is null and done_at is null;

comment on table public.assignment_tasks is 'What an assignment asks of one member in one round';
comment on column public.assignment_tasks.opens_at is 'From when it can be started: the end of the round before';
comment on column public.assignment_tasks.due_at is 'End of due_on in the team''s time zone';
comment on column public.assignment_tasks.announced_at is 'When the member was notified that it is open';
comment on column public.assignment_tasks.reminded_at is 'When the member was reminded of the deadline';
comment on column public.assignment_tasks.done_at is 'When the first training for it was finished with a score';
comment on column public.assignment_tasks.is_passed is 'Of an exam: whether a training for it reached the pass mark';
alter table public.assignment_tasks enable row level security;
revoke all on table public.assignment_tasks from public, anon, authenticated, service_role;
revoke all on sequence public.assignment_tasks_id_seq from public, anon, authenticated, service_role;

-- Which trainings a member played for a task of an assignment.

create table public.assignment_trainings (
  training_id bigint primary key references public.trainings (id) on delete cascade,
  task_id bigint not null references public.assignment_tasks (id) on delete cascade
);

create index assignment_trainings_task_idx on public.assignment_trainings (task_id);

comment on table public.assignment_trainings is 'Which trainings were played for a task of an assignment';
alter table public.assignment_trainings enable row level security;
revoke all on table public.assignment_trainings from public, anon, authenticated, service_role;

-- Returns an assignment as lists show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   scenario: text
--   case_id: text | null   (null: any)
--   mode: 'practice' | 'exam'
--   difficulty: 'easy' | 'medium' | 'hard'
--   first_due_on: date
--   repetitions: int
--   is_canceled: boolean
-- Errors: none.
create or replace function private.assignment_card(p_assignment public.assignments)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_assignment.id,
    'scenario', p_assignment.scenario,
    'case_id', p_assignment.case_id,
    'mode', p_assignment.mode,
    'difficulty', p_assignment.difficulty,
    'first_due_on', p_assignment.first_due_on,
    'repetitions', p_assignment.repetitions,
    'is_canceled', p_assignment.canceled_at is not null
  );
$$;

revoke all on function private.assignment_card from public, anon, authenticated, service_role;
comment on function private.assignment_card is 'Returns an assignment as lists show it';

-- Returns a task of an assignment as its member sees it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   team_id: bigint
--   team: text
--   assignment: private.assignment_card
--   number: int            (of the round)
--   due_on: date
--   state: 'open' | 'overdue' | 'done' | 'late'    (late: done after the deadline)
--   best_score: int | null
--   is_passed: boolean | null
--   trainings: int         (that were begun for it)
-- Errors: none.
create or replace function private.task_card(p_task public.assignment_tasks)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_task.id,
      'team_id', t.id,
      'team', t.name,
      'assignment', private.assignment_card(a),
      'number', p_task.number,
      'due_on', p_task.due_on,
      'state', case
        when p_task.done_at < p_task.due_at then 'done'
        when p_task.done_at is not null then 'late'
        when p_task.due_at <= private.clock() then 'overdue'
        else 'open'
      end,
      'best_score', p_task.best_score,
      'is_passed', p_task.is_passed,
      'trainings', (
        select count(*)
          from public.assignment_trainings as r
          join public.trainings as n on n.id = r.training_id
         where r.task_id = p_task.id and n.access_type is not null
      )
    )
    from public.assignments as a
    join public.teams as t on t.id = a.team_id
   where a.id = p_task.assignment_id;
$$;

revoke all on function private.task_card from public, anon, authenticated, service_role;
comment on function private.task_card is 'Returns a task of an assignment as its member sees it';

-- Returns a team as one of its members sees it. Only a manager sees the code of the invite link.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   name: text
--   role: 'manager' | 'member'
--   code: text | null
--   time_zone: text
--   local_date: date       (in its time zone)
--   member_count: int
--   most_members: int
--   managers: [ text ]     (names)
-- Errors: none.
create or replace function private.team_card(p_team public.teams, p_role text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_team.id,
    'name', p_team.name,
    'role', p_role,
    'code', case p_role when 'manager' then p_team.code end,
    'time_zone', p_team.time_zone,
    'local_date', (private.clock() at time zone p_team.time_zone)::date,
    'member_count', (select count(*) from public.team_members as m where m.team_id = p_team.id),
    'most_members', private.setting('team_max_members')::integer,
    'managers', (
      select coalesce(jsonb_agg(concat_ws(' ', u.first_name, u.last_name) order by m.joined_at, u.id), '[]')
        from public.team_members as m
        join public.users as u on u.id = m.user_id
       where m.team_id = p_team.id and m.role = 'manager'
    )
  );
$$;

revoke all on function private.team_card from public, anon, authenticated, service_role;
comment on function private.team_card is 'Returns a team as one of its members sees it';

-- Collects what is stored about a user's teams: memberships, what was assigned to them, and what they assigned.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.teams_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'memberships', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.team_id), '[]'::jsonb)
        from public.team_members as m
       where m.user_id = p_user_id
    ),
    'assigned_by_you', (
      select coalesce(jsonb_agg(to_jsonb(a) - array['created_by', 'reference'] order by a.id), '[]'::jsonb)
        from public.assignments as a
       where a.created_by = p_user_id
    ),
    'tasks', (
      select coalesce(jsonb_agg(to_jsonb(k) - 'user_id' order by k.id), '[]'::jsonb)
        from public.assignment_tasks as k
       where k.user_id = p_user_id
    ),
    'trainings', (
      select coalesce(jsonb_agg(to_jsonb(r) order by r.training_id), '[]'::jsonb)
        from public.assignment_tasks as k
        join public.assignment_trainings as r on r.task_id = k.id
       where k.user_id = p_user_id
    )
  );
$$;

revoke all on function private.teams_section from public, anon, authenticated, service_role;
comment on function private.teams_section is 'Collects what is stored about a user''s teams';

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
  -- A team ends with its last member. It is locked first, so that the check sees who joined meanwhile.
  perform
    from public.teams as t
   where t.id in (select m.team_id from public.team_members as m where m.user_id = v_user.id)
   order by t.id
     for update;
  delete from public.teams as t
   where t.id in (select m.team_id from public.team_members as m where m.user_id = v_user.id)
     and not exists (select from public.team_members as m where m.team_id = t.id and m.user_id <> v_user.id);
  -- Foreign keys delete the remaining rows or set their user_id to null.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_user from public, anon, authenticated, service_role;
comment on function private.erase_user is 'Erases the user of an update';

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
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
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

-- Adds the tasks of an assignment for one member: a row for each round whose deadline is ahead. A round opens with the end
-- of the one before.
--
-- Concurrency: rows that exist stay as they are.
-- Locks: none.
-- Returns: integer, how many were added.
-- Errors: none.
create or replace function private.add_tasks(p_assignment public.assignments, p_user_id bigint)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  insert into public.assignment_tasks (assignment_id, team_id, user_id, number, opens_at, due_on, due_at)
  select p_assignment.id, p_assignment.team_id, p_user_id, r.number,
    case r.number
      when 1 then p_assignment.created_at
      else (p_assignment.first_due_on + 7 * (r.number - 2) + 1)::timestamp at time zone t.time_zone
    end,
    r.due_on, (r.due_on + 1)::timestamp at time zone t.time_zone
    from public.teams as t
    cross join lateral (
      select n.number, p_assignment.first_due_on + 7 * (n.number - 1) as due_on
        from generate_series(1, p_assignment.repetitions) as n (number)
    ) as r
   where t.id = p_assignment.team_id
     and (r.due_on + 1)::timestamp at time zone t.time_zone > private.clock()
  on conflict (assignment_id, user_id, number) do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function private.add_tasks from public, anon, authenticated, service_role;
comment on function private.add_tasks is 'Adds the tasks of an assignment for one member';

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
  v_outgoing jsonb := '[]';
begin
  for v_task in
    select k.id, k.user_id, k.number, k.due_on, a.mode, a.repetitions, t.name, t.bot
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
      join public.teams as t on t.id = k.team_id
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

-- Cancels an assignment of a team: it is no longer asked of the members. Results stay. For managers.
--
-- Concurrency: the team is locked; canceling twice is canceling once.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'canceled' | 'none'
-- Errors: none.
create or replace function public.cancel_assignment(p_user_id bigint, p_team_id bigint, p_assignment_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  end if;
  update public.assignments as a
     set canceled_at = coalesce(a.canceled_at, private.clock())
   where a.id = p_assignment_id and a.team_id = p_team_id;
  return jsonb_build_object('outcome', case when found then 'canceled' else 'none' end);
end
$$;

revoke all on function public.cancel_assignment from public, anon, authenticated, service_role;
grant execute on function public.cancel_assignment to bot_backend;
comment on function public.cancel_assignment is 'Cancels an assignment of a team';

-- Counts a finished training with a score for the task it was played for: the first one completes the task, and the best
-- score is kept. Repeating it counts nothing twice.
--
-- p_is_passed: of an exam, whether it reached the pass mark; null otherwise.
--
-- Concurrency: the caller holds the training; the task's row serializes trainings of one task.
-- Locks: task.
-- Returns: void
-- Errors: none.
create or replace function private.count_for_task(
  p_training_id bigint, p_score integer, p_finished_at timestamptz, p_is_passed boolean
)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.assignment_tasks as k
     set done_at = coalesce(k.done_at, p_finished_at),
         best_score = greatest(k.best_score, p_score),
         is_passed = coalesce(k.is_passed or p_is_passed, p_is_passed, k.is_passed)
    from public.assignment_trainings as r
   where r.training_id = p_training_id and k.id = r.task_id;
$$;

revoke all on function private.count_for_task from public, anon, authenticated, service_role;
comment on function private.count_for_task is 'Counts a finished training with a score for the task it was played for';

-- Assigns a training to all members of a team, in one or several weekly rounds, and announces the first round. For managers.
--
-- p_case: null: any of the scenario. p_due_on: the first deadline, a day of the team's time zone that is not over.
--
-- Concurrency: the team is locked; a known reference assigns nothing. Members who are being erased are skipped.
-- Locks: team, members (KEY SHARE SKIP LOCKED), then as private.announce_tasks.
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
       and a.canceled_at is null
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

-- Creates a team with its creator as manager. Its time zone is that of the limits (quota_timezone).
--
-- Concurrency: the user's row is locked, so the limit of teams holds; a known reference returns its team.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'created' | 'limit'
--   team?: private.team_card    (created)
--   most?: int                  (limit)
-- Errors: V0001 no such user; V0002 the name is invalid.
create or replace function public.create_team(p_user_id bigint, p_bot text, p_name text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_most integer := private.setting('team_max_teams')::integer;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'V0001';
  elsif length(coalesce(p_name, '')) not between 1 and 60 then
    raise exception 'the name of a team has 1 to 60 characters' using errcode = 'V0002';
  end if;
  select t.* into v_team from public.teams as t where t.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'created', 'team', private.team_card(v_team, 'manager'));
  elsif private.team_count(p_user_id, p_bot) >= v_most then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  end if;
  insert into public.teams as t (bot, name, time_zone, reference)
  values (p_bot, p_name, private.setting('quota_timezone'), p_reference)
  returning t.* into v_team;
  insert into public.team_members (team_id, user_id, role) values (v_team.id, p_user_id, 'manager');
  return jsonb_build_object('outcome', 'created', 'team', private.team_card(v_team, 'manager'));
end
$$;

revoke all on function public.create_team from public, anon, authenticated, service_role;
grant execute on function public.create_team to bot_backend;
comment on function public.create_team is 'Creates a team with its creator as manager';

-- Notifies members of tasks that have opened, and reminds them a day before the deadline of a task that is not done.
--
-- Concurrency: tasks that another transaction has locked and users who are being erased are skipped. What was sent is stored
--   with the task, so it is sent once.
-- Locks: tasks (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_task_messages(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task record;
  v_outgoing jsonb := private.announce_tasks(null, p_limit);
begin
  for v_task in
    select k.id, k.user_id
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.reminded_at is null
       and k.announced_at is not null
       and k.done_at is null
       and k.due_at > v_now
       and k.due_at <= v_now + interval '1 day'
       and a.canceled_at is null
     order by k.due_at, k.id
     limit p_limit
       for update of k skip locked
  loop
    perform from public.users as u where u.id = v_task.user_id for key share skip locked;
    continue when not found;
    update public.assignment_tasks as k set reminded_at = v_now where k.id = v_task.id;
    v_outgoing := v_outgoing || private.task_message(v_task.id, 'team_reminder');
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_task_messages from public, anon, authenticated, service_role;
grant execute on function public.enqueue_task_messages to bot_backend;
comment on function public.enqueue_task_messages is 'Notifies members of tasks that have opened, and reminds them a day before the deadline of a task that is not done';

-- Returns the team of an invite link, for the user who opened it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { id: bigint, name: text, managers: [ text ], is_member: boolean } | null
-- Errors: none.
create or replace function public.find_invited_team(p_user_id bigint, p_bot text, p_code text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', t.id,
      'name', t.name,
      'managers', private.team_card(t, 'member') -> 'managers',
      'is_member', exists (
        select from public.team_members as m where m.team_id = t.id and m.user_id = p_user_id
      )
    )
    from public.teams as t
   where t.code = p_code and t.bot = p_bot;
$$;

revoke all on function public.find_invited_team from public, anon, authenticated, service_role;
grant execute on function public.find_invited_team to bot_backend;
comment on function public.find_invited_team is 'Returns the team of an invite link, for the user who opened it';

-- Returns a task to its member.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     task: private.task_card,
--     state: 'open' | 'closed',          (closed: not open yet, or canceled)
--     recent_cases: [ text ]             (of its scenario, the last five that the member played)
--   } | null
-- Errors: none.
create or replace function public.get_task(p_user_id bigint, p_task_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'task', private.task_card(k),
      'state', case when k.opens_at <= private.clock() and a.canceled_at is null then 'open' else 'closed' end,
      'recent_cases', (
        select coalesce(jsonb_agg(r.case_id order by r.id desc), '[]')
          from (
            select t.id, t.case_id
              from public.trainings as t
             where t.user_id = p_user_id and t.scenario = a.scenario
             order by t.id desc
             limit 5
          ) as r
      )
    )
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
   where k.id = p_task_id and k.user_id = p_user_id;
$$;

revoke all on function public.get_task from public, anon, authenticated, service_role;
grant execute on function public.get_task to bot_backend;
comment on function public.get_task is 'Returns a task to its member';

-- Returns a team to one of its members; the other members and the assignments to a manager only.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     team: private.team_card,
--     members: [ { id: bigint, name: text, role: 'manager' | 'member', joined_at: timestamptz } ],
--     assignments: [ { card: private.assignment_card, done: int, open: int, overdue: int } ]   (newest first, none canceled)
--   } | null
-- Errors: none.
create or replace function public.get_team(p_user_id bigint, p_team_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'team', private.team_card(t, o.role),
      'members', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'id', m.user_id, 'name', concat_ws(' ', u.first_name, u.last_name), 'role', m.role,
                'joined_at', m.joined_at
              )
              order by m.role, m.joined_at, m.user_id
            ),
            '[]'
          )
          from public.team_members as m
          join public.users as u on u.id = m.user_id
         where m.team_id = t.id and o.role = 'manager'
      ),
      'assignments', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'card', private.assignment_card(a), 'done', k.done, 'open', k.open, 'overdue', k.overdue
              )
              order by a.id desc
            ),
            '[]'
          )
          from public.assignments as a
          cross join lateral (
            select count(*) filter (where c.done_at is not null) as done,
              count(*) filter (where c.done_at is null and c.due_at > private.clock()) as open,
              count(*) filter (where c.done_at is null and c.due_at <= private.clock()) as overdue
              from public.assignment_tasks as c
             where c.assignment_id = a.id
          ) as k
         where a.team_id = t.id and a.canceled_at is null and o.role = 'manager'
      )
    )
    from public.teams as t
    join public.team_members as o on o.team_id = t.id and o.user_id = p_user_id
   where t.id = p_team_id;
$$;

revoke all on function public.get_team from public, anon, authenticated, service_role;
grant execute on function public.get_team to bot_backend;
comment on function public.get_team is 'Returns a team to one of its members; the other members and the assignments to a manager only';

-- Returns whether a team has no other manager than a user.
--
-- Concurrency: read-only; the caller has locked the team.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_last_manager(p_user_id bigint, p_team_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from public.team_members as m
     where m.team_id = p_team_id and m.user_id <> p_user_id and m.role = 'manager'
  );
$$;

revoke all on function private.is_last_manager from public, anon, authenticated, service_role;
comment on function private.is_last_manager is 'Returns whether a team has no other manager than a user';

-- Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead.
-- The managers are notified.
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
  v_manager record;
  v_outgoing jsonb := '[]';
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
  for v_manager in
    select m.user_id from public.team_members as m where m.team_id = v_team.id and m.role = 'manager' order by m.user_id
  loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_manager.user_id, p_bot, 'team_joined_notice',
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

-- Ends a user's membership, with all that was assigned to them in the team. The only manager of a team with other members
-- stays until there is another one; with its last member the team ends.
--
-- Concurrency: the team is locked: of two managers who leave at once one stays.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'left' | 'ended' | 'last_manager' | 'none'    (ended: the team is deleted)
-- Errors: none.
create or replace function public.leave_team(p_user_id bigint, p_team_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text := private.team_role(p_user_id, p_team_id);
begin
  if v_role is null then
    return jsonb_build_object('outcome', 'none');
  elsif not exists (
    select from public.team_members as m where m.team_id = p_team_id and m.user_id <> p_user_id
  ) then
    delete from public.teams as t where t.id = p_team_id;
    return jsonb_build_object('outcome', 'ended');
  elsif v_role = 'manager' and private.is_last_manager(p_user_id, p_team_id) then
    return jsonb_build_object('outcome', 'last_manager');
  end if;
  delete from public.team_members as m where m.team_id = p_team_id and m.user_id = p_user_id;
  return jsonb_build_object('outcome', 'left');
end
$$;

revoke all on function public.leave_team from public, anon, authenticated, service_role;
grant execute on function public.leave_team to bot_backend;
comment on function public.leave_team is 'Ends a user''s membership, with all that was assigned to them in the team';

-- Notes that a training, which was started just now, is played for a task of its user.
--
-- Concurrency: a training belongs to one task; noting it twice changes nothing.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function public.link_training_to_task(p_user_id bigint, p_training_id bigint, p_task_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into public.assignment_trainings (training_id, task_id)
  select t.id, k.id
    from public.trainings as t
    join public.assignment_tasks as k on k.user_id = t.user_id
    join public.assignments as a on a.id = k.assignment_id
   where t.id = p_training_id
     and t.user_id = p_user_id
     and t.status = 'open'
     and k.id = p_task_id
     and (t.scenario, t.mode, t.difficulty) = (a.scenario, a.mode, a.difficulty)
     and a.canceled_at is null
  on conflict (training_id) do nothing;
$$;

revoke all on function public.link_training_to_task from public, anon, authenticated, service_role;
grant execute on function public.link_training_to_task to bot_backend;
comment on function public.link_training_to_task is 'Notes that a training, which was started just now, is played for a task of its user';

-- Returns a member's results in what was assigned to them in a team.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, the keys tasks, trainings and points of public.team_report.
-- Errors: none.
create or replace function private.member_results(p_team_id bigint, p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with played as (
    select n.id, n.scenario, n.finished_at, (n.result ->> 'score')::integer as score, n.clarity_level
      from public.assignment_tasks as k
      join public.assignment_trainings as r on r.task_id = k.id
      join public.trainings as n on n.id = r.training_id
     where k.team_id = p_team_id
       and k.user_id = p_user_id
       and n.status = 'finished'
       and (n.result ->> 'is_scored')::boolean
  )
  select jsonb_build_object(
    'tasks', (
      select coalesce(jsonb_agg(private.task_card(k) order by k.due_at, k.id), '[]')
        from public.assignment_tasks as k
        join public.assignments as a on a.id = k.assignment_id
       where k.team_id = p_team_id
         and k.user_id = p_user_id
         and k.opens_at <= private.clock()
         and (a.canceled_at is null or k.done_at is not null)
    ),
    'trainings', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'date', p.finished_at, 'scenario', p.scenario, 'score', p.score, 'clarity', p.clarity_level
            )
            order by p.finished_at, p.id
          ),
          '[]'
        )
        from played as p
    ),
    'points', (
      select coalesce(jsonb_object_agg(s.scenario, s.points), '{}')
        from (
          select y.scenario, jsonb_object_agg(y.type, y.points) as points
            from (
              select p.scenario, r.type, sum(r.points) as points
                from played as p
                join public.training_turns as r on r.training_id = p.id
               where r.why in ('counted', 'capped')
               group by p.scenario, r.type
            ) as y
           group by y.scenario
        ) as s
    )
  );
$$;

revoke all on function private.member_results from public, anon, authenticated, service_role;
comment on function private.member_results is 'Returns a member''s results in what was assigned to them in a team';

-- Returns the teams of a user and what is assigned to them now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   teams: [ private.team_card ]
--   tasks: [ private.task_card ]    (open and overdue ones, the next deadline first)
-- Errors: none.
create or replace function public.my_teams(p_user_id bigint, p_bot text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'teams', (
      select coalesce(jsonb_agg(private.team_card(t, m.role) order by t.id), '[]')
        from public.team_members as m
        join public.teams as t on t.id = m.team_id
       where m.user_id = p_user_id and t.bot = p_bot
    ),
    'tasks', (
      select coalesce(jsonb_agg(private.task_card(k) order by k.due_at, k.id), '[]')
        from public.assignment_tasks as k
        join public.assignments as a on a.id = k.assignment_id
        join public.teams as t on t.id = a.team_id
       where k.user_id = p_user_id
         and t.bot = p_bot
         and k.done_at is null
         and k.opens_at <= private.clock()
         and a.canceled_at is null
    )
  );
$$;

revoke all on function public.my_teams from public, anon, authenticated, service_role;
grant execute on function public.my_teams to bot_backend;
comment on function public.my_teams is 'Returns the teams of a user and what is assigned to them now';

-- Removes a member of a team, with all that was assigned to them in it; the member is notified. For managers.
--
-- Concurrency: the team is locked: two managers at once remove a member once, and never each other, so that the team keeps
--   a manager.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'removed' | 'none'    (none: the user is no manager, or the other one no other member of the team)
--   outgoing?: outgoing            (removed: to deliver now)
-- Errors: none.
create or replace function public.remove_team_member(p_user_id bigint, p_team_id bigint, p_member_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' or p_member_id = p_user_id then
    return jsonb_build_object('outcome', 'none');
  end if;
  delete from public.team_members as m where m.team_id = p_team_id and m.user_id = p_member_id;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  return jsonb_build_object(
    'outcome', 'removed',
    'outgoing', private.enqueue_user_message(
      p_member_id, v_team.bot, 'team_removed_notice',
      jsonb_build_object('team', jsonb_build_object('name', v_team.name))
    )
  );
end
$$;

revoke all on function public.remove_team_member from public, anon, authenticated, service_role;
grant execute on function public.remove_team_member to bot_backend;
comment on function public.remove_team_member is 'Removes a member of a team, with all that was assigned to them in it; the member is notified';

-- Makes a member of a team a manager, or a manager a member. For managers.
--
-- Concurrency: the team is locked: of two managers who step down at once one stays.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'changed' | 'last_manager' | 'none'    (changed: also where the role was this one already)
--   outgoing?: outgoing                             (a new manager is notified)
-- Errors: none.
create or replace function public.set_team_role(p_user_id bigint, p_team_id bigint, p_member_id bigint, p_role text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  elsif p_role = 'member' and private.is_last_manager(p_member_id, p_team_id) then
    return jsonb_build_object('outcome', 'last_manager');
  end if;
  update public.team_members as m
     set role = p_role
   where m.team_id = p_team_id and m.user_id = p_member_id and m.role <> p_role;
  if not found then
    return jsonb_build_object(
      'outcome', case
        when exists (select from public.team_members as m where m.team_id = p_team_id and m.user_id = p_member_id)
          then 'changed'
        else 'none'
      end
    );
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  return jsonb_build_object('outcome', 'changed') || case
    when p_role = 'manager' and p_member_id <> p_user_id then jsonb_build_object(
      'outgoing', private.enqueue_user_message(
        p_member_id, v_team.bot, 'team_manager_notice',
        jsonb_build_object('team', jsonb_build_object('name', v_team.name)),
        jsonb_build_array(
          jsonb_build_array(jsonb_build_object('key', 'team_open_button', 'data', 'team:' || v_team.id))
        )
      )
    )
    else '{}'::jsonb
  end;
end
$$;

revoke all on function public.set_team_role from public, anon, authenticated, service_role;
grant execute on function public.set_team_role to bot_backend;
comment on function public.set_team_role is 'Makes a member of a team a manager, or a manager a member';

-- Enqueues a message about a task for its member, with a button that starts it.
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the message to deliver now (outgoing).
-- Errors: none.
create or replace function private.task_message(p_task_id bigint, p_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select private.enqueue_user_message(
      k.user_id, t.bot, p_key,
      jsonb_build_object(
        'team', jsonb_build_object('name', t.name),
        'number', k.number,
        'rounds', a.repetitions,
        -- The day as such, whatever time zone it is shown in.
        'until', jsonb_build_object('date', (k.due_on + time '12:00') at time zone private.setting('quota_timezone'))
      ),
      jsonb_build_array(jsonb_build_array(jsonb_build_object('key', 'team_start_button', 'data', 'task:' || k.id)))
    )
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
    join public.teams as t on t.id = k.team_id
   where k.id = p_task_id;
$$;

revoke all on function private.task_message from public, anon, authenticated, service_role;
comment on function private.task_message is 'Enqueues a message about a task for its member, with a button that starts it';

-- Returns how many teams of a bot a user belongs to.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.team_count(p_user_id bigint, p_bot text)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.team_members as m
    join public.teams as t on t.id = m.team_id
   where m.user_id = p_user_id and t.bot = p_bot;
$$;

revoke all on function private.team_count from public, anon, authenticated, service_role;
comment on function private.team_count is 'Returns how many teams of a bot a user belongs to';

-- Returns the results of a team's members in what was assigned to them: no conversations, and no other trainings. For
-- managers.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     team: private.team_card,
--     members: [ {
--       id: bigint, name: text, role: 'manager' | 'member',
--       tasks: [ private.task_card ],                              (that have opened, oldest first)
--       trainings: [ { date: timestamptz, scenario: text, score: int, clarity: int } ],   (finished ones, oldest first)
--       points: { [text]: { [text]: int } }                        (by scenario and type, over those trainings)
--     } ]
--   } | null
-- Errors: none.
create or replace function public.team_report(p_user_id bigint, p_team_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'team', private.team_card(t, o.role),
      'members', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'id', m.user_id, 'name', concat_ws(' ', u.first_name, u.last_name), 'role', m.role
              ) || private.member_results(t.id, m.user_id)
              order by lower(u.first_name), m.user_id
            ),
            '[]'
          )
          from public.team_members as m
          join public.users as u on u.id = m.user_id
         where m.team_id = t.id
      )
    )
    from public.teams as t
    join public.team_members as o on o.team_id = t.id and o.user_id = p_user_id and o.role = 'manager'
   where t.id = p_team_id;
$$;

revoke all on function public.team_report from public, anon, authenticated, service_role;
grant execute on function public.team_report to bot_backend;
comment on function public.team_report is 'Returns the results of a team''s members in what was assigned to them';

-- Returns a user's role in a team and locks the team, so that its members and assignments do not change meanwhile.
--
-- Concurrency: of two changes of one team the second waits, and sees what the first has changed.
-- Locks: team (FOR UPDATE).
-- Returns: text, manager or member; null where the user does not belong to the team or there is none.
-- Errors: none.
create or replace function private.team_role(p_user_id bigint, p_team_id bigint)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.teams as t where t.id = p_team_id for update;
  return (select m.role from public.team_members as m where m.team_id = p_team_id and m.user_id = p_user_id);
end
$$;

revoke all on function private.team_role from public, anon, authenticated, service_role;
comment on function private.team_role is 'Returns a user''s role in a team and locks the team, so that its members and assignments do not change meanwhile';

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
    select z.name into v_zone from pg_timezone_names as z where lower(z.name) = lower(p_time_zone) limit 1;
    if not found then
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

-- Finishes a training: computes its score, stores it in the history, and awards XP and badges, once. With fewer questions
-- than the scenario wants it has no score and gives nothing; one that took less than the scenario's shortest time has a
-- score, but gives no XP. A drill gives half of its score as XP.
--
-- p_reason: button, limit or target. p_case_data: what the history keeps of the case.
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, session, then as private.award_xp, private.award_due_badges and
--   private.count_for_task.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'none'    (known: it was finished before; none: no such training, or abandoned)
--   result?: private.training_result          (finished, known)
-- Errors: none.
create or replace function public.finish_training(
  p_user_id bigint, p_training_id bigint, p_reason text, p_case_data jsonb default '{}'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user public.users;
  v_training public.trainings;
  v_chains integer;
  v_bonuses jsonb;
  v_before jsonb;
  v_facts jsonb;
  v_awards jsonb := '{}';
  v_is_scored boolean;
  v_is_fast boolean;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' then
    return jsonb_build_object('outcome', 'none');
  end if;

  v_now := private.clock();
  v_is_scored := v_training.question_count >= (v_training.rules ->> 'min_questions')::integer;
  v_is_fast := v_now - v_training.first_question_at < make_interval(secs => (v_training.rules ->> 'min_seconds')::integer);
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
  if v_is_scored then
    select jsonb_build_object('score', h.score, 'clarity_level', h.clarity_level) into v_before
      from public.training_history as h
     where h.user_id = p_user_id
       and h.bot = v_training.bot
       and h.scenario = v_training.scenario
       and h.mode = v_training.mode
     order by h.id desc
     limit 1;
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      p_user_id, v_training.bot, concat(v_training.bot, ':', v_training.id), v_training.scenario, v_training.mode,
      (v_bonuses ->> 'score')::integer, v_training.clarity_level, v_training.question_count,
      v_training.contextual_questions, v_training.per_type_counts,
      p_case_data || jsonb_build_object('case_id', v_training.case_id),
      jsonb_build_object(
        'training_id', v_training.id, 'version', v_training.version, 'difficulty', v_training.difficulty,
        'drill_type', v_training.drill_type, 'language', v_training.language, 'revealed', v_training.revealed,
        'facts_given', v_training.facts_given, 'chains', v_chains, 'bonuses', v_bonuses, 'reason', p_reason,
        'started_at', v_training.created_at
      ),
      v_now
    );
    perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
    v_facts := private.training_facts(v_training, (v_bonuses ->> 'score')::integer, v_chains);
    v_awards := jsonb_build_object(
      'maestro_streak', private.maestro_streak(
        p_user_id, v_training.bot, v_training.scenario, (v_training.rules ->> 'maestro_score')::integer
      ),
      'xp', case
        when not v_is_fast and (v_bonuses ->> 'score')::integer > 1 then private.award_xp(
          p_user_id, v_training.bot, 'training_finished', concat(v_training.bot, ':', v_training.id),
          case when v_training.mode = 'drill' then (v_bonuses ->> 'score')::integer / 2
            else (v_bonuses ->> 'score')::integer end
        )
      end,
      'badges', private.award_due_badges(p_user_id, v_training.bot, v_facts)
    );
    perform private.count_for_task(v_training.id, (v_bonuses ->> 'score')::integer, v_now, null);
  end if;
  update public.trainings as t
     set status = 'finished',
         turn_reference = null,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = v_bonuses || jsonb_build_object(
           'is_scored', v_is_scored, 'is_fast', coalesce(v_is_fast, false), 'reason', p_reason, 'chains', v_chains,
           'before', v_before, 'maestro_streak', null, 'xp', null, 'badges', '[]'::jsonb
         ) || v_awards
   where t.id = v_training.id
  returning t.* into v_training;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_training from public, anon, authenticated, service_role;
grant execute on function public.finish_training to bot_backend;
comment on function public.finish_training is 'Finishes a training and awards what it gives';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "team_max_assignments", "about": "Most assignments of a team whose last deadline is ahead", "value": 30}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "team_max_members", "about": "Most members of a team, managers included", "value": 50}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "team_max_teams", "about": "Most teams that a user may belong to in one bot", "value": 5}') on conflict do nothing;
