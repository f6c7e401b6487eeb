-- Returns what the trainer shows before a training: the open one, the cases that were played last, and the access.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   open: private.training_state | null
--   recent_cases: { [text]: [ text ] }    (by scenario, the last five, newest first)
--   access: private.resolve_access
-- Errors: none.
create or replace function public.trainer_overview(p_user_id bigint, p_bot text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'open', (
        select private.training_state(t)
          from public.trainings as t
         where t.user_id = u.id and t.bot = p_bot and t.status = 'open'
      ),
      'recent_cases', (
        select coalesce(jsonb_object_agg(c.scenario, c.cases), '{}')
          from (
            select r.scenario, jsonb_agg(r.case_id order by r.id desc) as cases
              from (
                select t.scenario, t.case_id, t.id,
                  row_number() over (partition by t.scenario order by t.id desc) as place
                  from public.trainings as t
                 where t.user_id = u.id and t.bot = p_bot and t.mode <> 'review'
              ) as r
             where r.place <= 5
             group by r.scenario
          ) as c
      ),
      'access', private.resolve_access(u, 1)
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function public.trainer_overview from public, anon, authenticated, service_role;
grant execute on function public.trainer_overview to bot_backend;
comment on function public.trainer_overview is 'Returns what the trainer shows before a training';
