-- Returns how many of a user's latest finished trainings of a scenario reached a score, without a lower one between them.
-- Drills do not count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.maestro_streak(p_user_id bigint, p_bot text, p_scenario text, p_score integer)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.training_history as h
   where h.user_id = p_user_id
     and h.bot = p_bot
     and h.scenario = p_scenario
     and h.mode <> 'drill'
     and h.id > coalesce(
       (
         select max(l.id)
           from public.training_history as l
          where l.user_id = p_user_id
            and l.bot = p_bot
            and l.scenario = p_scenario
            and l.mode <> 'drill'
            and l.score < p_score
       ),
       0
     );
$$;

revoke all on function private.maestro_streak from public, anon, authenticated, service_role;
comment on function private.maestro_streak is 'Returns how many latest trainings in a row reached a score';
