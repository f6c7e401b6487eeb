-- Leaves a day of a provider's lists, whose walk could not go on, to a later run: after half an hour at first, then after
-- longer, at most six hours.
--
-- Twice or at once: only moves busy_until; the pages that were kept stay kept.
-- Returns: nothing.
-- Errors: none.
create or replace function public.release_statement(p_provider text, p_day date)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.statement_days as d
     set failures = d.failures + 1,
         busy_until = private.clock() + interval '30 minutes' * least(d.failures + 1, 12)
   where d.provider = p_provider and d.day = p_day;
$$;

revoke all on function public.release_statement from public, anon, authenticated, service_role;
grant execute on function public.release_statement to bot_backend;
comment on function public.release_statement is 'Leaves a day of a provider''s lists to a later run';
