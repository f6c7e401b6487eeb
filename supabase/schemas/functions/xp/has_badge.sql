-- Returns whether a user has a badge, in any bot or in one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function public.has_badge(p_telegram_id bigint, p_badge text, p_bot text default null)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.badge = p_badge
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.has_badge from public, anon, authenticated, service_role;
grant execute on function public.has_badge to bot_backend, service_role;
comment on function public.has_badge is 'Returns whether a user has a badge';
