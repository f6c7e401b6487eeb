-- Counts the different badges of a user, of all bots or of one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, how many; 0 for an unknown user, too.
-- Errors: none.
create or replace function public.count_badges(p_telegram_id bigint, p_bot text default null)
returns integer
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select count(distinct b.badge)
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.count_badges from public, anon, authenticated, service_role;
grant execute on function public.count_badges to bot_backend, service_role;
comment on function public.count_badges is 'Counts the different badges of a user';
