-- Returns how long voice messages and documents of a user may be, as the plan allows. Only messages with a file ask.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   voice_seconds: int     (0: the plan includes no voice messages, or no plan covers the user)
--   document_pages: int
-- Errors: none.
create or replace function public.message_limits(p_user_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limits public.subscription_limits;
begin
  select l.* into v_limits
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
  return jsonb_build_object(
    'voice_seconds', coalesce(v_limits.voice_seconds, 0), 'document_pages', coalesce(v_limits.document_pages, 0)
  );
end
$$;

revoke all on function public.message_limits from public, anon, authenticated, service_role;
grant execute on function public.message_limits to bot_backend;
comment on function public.message_limits is 'Returns how long voice messages and documents of a user may be';
