-- Returns an admin's figures of one bot, or of all together: users, active ones, active sessions, messages, XP, trainings,
-- and the funnel of 30 days. A day is one of the setting quota_timezone.
--
-- Concurrency: read-only. It reads the sessions of the bot once, so a million of them take a second or two.
-- Locks: none.
-- Returns: jsonb
--   bot: text | null
--   bots: [ text ]         (all that received updates lately)
--   users: int             (with a session in the bot)
--   new: { day: int, week: int, month: int }      (first session in the bot; today, 7 and 30 days)
--   active: { day: int, week: int, month: int }   (last used in the period)
--   active_sessions: int   (of the last hour)
--   messages: int          (and taps, of the last 24 hours)
--   requests: bigint       (AI requests served, of all time)
--   trainings: { day: int, week: int, month: int, total: int }   (with a score)
--   total_xp: bigint       (given to users who have a place on the boards: neither admins nor banned)
--   funnel: public.admin_funnel
-- Errors: N0001 not an admin.
create or replace function public.admin_bot_stats(p_admin_email text, p_bot text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_timezone text := private.setting('quota_timezone');
  v_today date := (v_now at time zone v_timezone)::date;
  v_day timestamptz := v_today::timestamp at time zone v_timezone;
  v_week timestamptz := (v_today - 6)::timestamp at time zone v_timezone;
  v_month timestamptz := (v_today - 29)::timestamp at time zone v_timezone;
  v_stats jsonb;
begin
  perform private.require_admin(p_admin_email);
  with users as (
    select s.user_id, min(s.created_at) as created_at, max(s.updated_at) as updated_at,
      sum(
        case when jsonb_typeof(s.stats_data -> 'requests') = 'number' then (s.stats_data ->> 'requests')::numeric else 0 end
      ) as requests
      from public.bot_sessions as s
     where p_bot is null or s.bot = p_bot
     group by s.user_id
  )
  select jsonb_build_object(
      'bot', p_bot,
      'users', count(*),
      'new', jsonb_build_object(
        'day', count(*) filter (where u.created_at >= v_day),
        'week', count(*) filter (where u.created_at >= v_week),
        'month', count(*) filter (where u.created_at >= v_month)
      ),
      'active', jsonb_build_object(
        'day', count(*) filter (where u.updated_at >= v_day),
        'week', count(*) filter (where u.updated_at >= v_week),
        'month', count(*) filter (where u.updated_at >= v_month)
      ),
      'active_sessions', public.count_active_sessions(60, p_bot),
      'requests', coalesce(sum(u.requests), 0)
    )
    into v_stats
    from users as u;
  return v_stats || jsonb_build_object(
    'bots', (
      -- Jumps from one bot to the next in the primary key.
      with recursive b (bot) as (
        (select min(t.bot) from public.telegram_updates as t)
        union all
        select (select min(t.bot) from public.telegram_updates as t where t.bot > b.bot) from b where b.bot is not null
      )
      select coalesce(jsonb_agg(b.bot order by b.bot) filter (where b.bot is not null), '[]') from b
    ),
    'messages', (
      select count(*)
        from public.telegram_updates as t
       where t.received_at > v_now - interval '1 day'
         and t.kind in ('message', 'callback_query')
         and t.user_id is not null
         and (p_bot is null or t.bot = p_bot)
    ),
    'trainings', (
      select jsonb_build_object(
          'day', count(*) filter (where h.training_date >= v_day),
          'week', count(*) filter (where h.training_date >= v_week),
          'month', count(*) filter (where h.training_date >= v_month),
          'total', count(*)
        )
        from public.training_history as h
       where p_bot is null or h.bot = p_bot
    ),
    'total_xp', (
      select coalesce(sum(x.k * x.n), 0)
        from (
          select h.k, h.n
            from public.board_histogram as h
           where h.board = coalesce(p_bot, '') and h.period = 'all' and h.lvl = 0
          union all
          select c.new_xp - c.old_xp, 1
            from public.board_changes as c
           where c.board = coalesce(p_bot, '') and c.period = 'all'
        ) as x
    ),
    'funnel', public.admin_funnel(p_admin_email, p_bot)
  );
end
$$;

revoke all on function public.admin_bot_stats from public, anon, authenticated, service_role;
grant execute on function public.admin_bot_stats to bot_backend, service_role;
comment on function public.admin_bot_stats is 'Returns an admin''s figures of one bot, or of all';
