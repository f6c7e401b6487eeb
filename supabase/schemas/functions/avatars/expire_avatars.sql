-- Deletes up to p_limit profile photos of users that no page has shown for 30 days.
--
-- Concurrency: rows that another call has locked are skipped.
-- Locks: avatars (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many.
-- Errors: none.
create or replace function public.expire_avatars(p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  with old as (
    select a.user_id
      from public.user_avatars as a
     where a.wanted_at < (select private.clock()) - interval '30 days'
     limit p_limit
       for update skip locked
  )
  delete from public.user_avatars as a using old where a.user_id = old.user_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function public.expire_avatars from public, anon, authenticated, service_role;
grant execute on function public.expire_avatars to bot_backend;
comment on function public.expire_avatars is 'Deletes profile photos that no page shows any more';
