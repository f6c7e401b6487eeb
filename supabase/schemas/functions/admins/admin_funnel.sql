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
         where t.user_id = c.user_id
           and (p_bot is null or t.bot = p_bot)
           and t.first_question_at is not null
           and t.mode <> 'review'
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
