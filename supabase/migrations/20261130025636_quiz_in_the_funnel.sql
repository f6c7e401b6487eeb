-- Quiz in the funnel.

-- Creates the user of a Telegram account that no bot has received an update of yet, and locks the row. The user
-- counts as new and active only with the first update (private.upsert_user).
--
-- Concurrency: two calls at once, or a first update at the same time, meet in the unique telegram_id and get the one
--   row.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.users, the row.
-- Errors: L0001, no Telegram user can have this id (ids are positive and have at most 52 bits); 40001, the user was
--   erased in this moment: a repeated call creates a new user.
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
  -- 777000, 1087968824 and 136817688 stand for channels and anonymous admins (shared/telegram/update.py).
  if p_telegram_id is null or p_telegram_id <= 0 or p_telegram_id >= (1::bigint << 52)
    or p_telegram_id in (777000, 1087968824, 136817688)
  then
    raise exception 'no Telegram user can have this id' using errcode = 'L0001';
  end if;
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

-- Returns how far users got who started a bot in a period: answered at least once, finished a training or a quiz, paid. Each figure
-- counts users of those who started, until now. Without p_bot a user counts from the first session with any bot. The period
-- ends before p_until; without limits it is the last 30 days.
--
-- Concurrency: read-only. It reads the sessions that began in the period, over their index, and a few rows of each user.
-- Locks: none.
-- Returns: jsonb
--   since: timestamptz
--   until: timestamptz
--   started: int
--   answered: int          (an answer of the AI, a classified question of a training, or an answer to a quiz)
--   finished: int          (a training with a score, or a quiz)
--   paid: int              (a payment for an order made in the bot, refunded or not; test payments are left out)
-- Errors: N0001 not an admin.
create or replace function public.admin_funnel(
  p_admin_email text, p_bot text default null, p_since timestamptz default null, p_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := coalesce(p_until, private.clock());
  v_since timestamptz := coalesce(p_since, v_until - interval '30 days');
  v_funnel jsonb;
begin
  perform private.require_admin(p_admin_email);
  with started as materialized (
    select distinct s.user_id
      from public.bot_sessions as s
     where s.created_at >= v_since
       and s.created_at < v_until
       and (p_bot is null or s.bot = p_bot)
       and not exists (
         select
           from public.bot_sessions as e
          where e.user_id = s.user_id and e.created_at < v_since and (p_bot is null or e.bot = p_bot)
       )
  ), steps as (
    select
      exists (
        select
          from public.bot_sessions as s
         where s.user_id = c.user_id
           and (p_bot is null or s.bot = p_bot)
           and s.stats_data -> 'requests' > '0'
      )
      or exists (
        select
          from public.trainings as t
         where t.user_id = c.user_id and (p_bot is null or t.bot = p_bot) and t.first_question_at is not null
      )
      or exists (
        select
          from public.quiz_runs as r
         where r.user_id = c.user_id and (p_bot is null or r.bot = p_bot) and r.answered > 0
      ) as answered,
      exists (
        select from public.training_history as h where h.user_id = c.user_id and (p_bot is null or h.bot = p_bot)
      )
      or exists (
        select
          from public.quiz_runs as r
         where r.user_id = c.user_id and (p_bot is null or r.bot = p_bot) and r.status = 'finished'
      ) as finished,
      exists (
        select
          from public.payments as p
          join public.orders as o on o.id = p.order_id
         where p.user_id = c.user_id
           and p.status in ('completed', 'refunded')
           and p.problem is distinct from 'test'
           and (p_bot is null or o.bot = p_bot)
      ) as paid
      from started as c
  )
  select jsonb_build_object(
      'since', v_since,
      'until', v_until,
      'started', count(*),
      'answered', count(*) filter (where s.answered),
      'finished', count(*) filter (where s.finished),
      'paid', count(*) filter (where s.paid)
    )
    into v_funnel
    from steps as s;
  return v_funnel;
end
$$;

revoke all on function public.admin_funnel from public, anon, authenticated, service_role;
grant execute on function public.admin_funnel to bot_backend, service_role;
comment on function public.admin_funnel is 'Returns how far new users of a bot got';

-- Removes a member of a team, with all that was assigned to them in it; the member is notified. The invite
-- link is renewed, so that it does not let the member back in. For managers.
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
  -- The link that the member joined by must not let them back in.
  update public.teams as t set code = private.random_code() where t.id = p_team_id
  returning t.* into v_team;
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
