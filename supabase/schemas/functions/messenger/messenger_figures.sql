-- Returns what the team did in conversations in the last days, per member and bot, for a member of the staff, and how it stands
-- now.
--
-- Concurrency: read-only, over counters.
-- Locks: none.
-- Returns: jsonb
--   open: int
--   waiting: int
--   late: int              (wait longer than the setting messenger_late_minutes)
--   unassigned: int        (open ones)
--   days: [ {
--     day: date, bot: text, operator: { id: bigint, name: text } | null, replies: int, answered: int,
--     waited_seconds: bigint, late: int, closed: int, ratings: int, rating_sum: int
--   } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.messenger_figures(p_actor_id bigint, p_days integer default 30)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return jsonb_build_object(
    'open', (select count(*) from public.conversations as c where c.status = 'open'),
    'waiting', (select count(*) from public.conversations as c where c.waiting_since is not null),
    'late', (
      select count(*)
        from public.conversations as c
       where c.waiting_since < private.clock() - make_interval(mins => private.setting('messenger_late_minutes')::integer)
    ),
    'unassigned', (
      select count(*) from public.conversations as c where c.status = 'open' and c.assignee_id is null
    ),
    'days', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'day', d.day, 'bot', d.bot, 'operator', case when u.id is not null then jsonb_build_object(
                'id', u.id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name)
              ) end,
              'replies', d.replies, 'answered', d.answered, 'waited_seconds', d.waited_seconds, 'late', d.late,
              'closed', d.closed, 'ratings', d.ratings, 'rating_sum', d.rating_sum
            )
            order by d.day desc, d.bot, d.operator_id
          ),
          '[]'::jsonb
        )
        from public.messenger_days as d
        left join public.users as u on u.id = d.operator_id
       where d.day > private.messenger_day() - least(greatest(p_days, 1), 366)
    )
  );
end
$$;

revoke all on function public.messenger_figures from public, anon, authenticated, service_role;
grant execute on function public.messenger_figures to bot_backend;
comment on function public.messenger_figures is 'Returns what the team did in conversations in the last days';
