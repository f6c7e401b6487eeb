-- Lists the badges of a user, of all bots or of one, oldest first. A badge that was earned in two bots is listed twice.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { badge: text, bot: text, metadata: jsonb, earned_at: timestamptz } ]   (empty for an unknown user, too)
-- Errors: none.
create or replace function public.get_user_badges(p_telegram_id bigint, p_bot text default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object('badge', b.badge, 'bot', b.bot, 'metadata', b.metadata, 'earned_at', b.earned_at)
          order by b.earned_at, b.badge, b.bot
        ),
        '[]'
      )
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.get_user_badges from public, anon, authenticated, service_role;
grant execute on function public.get_user_badges to bot_backend, service_role;
comment on function public.get_user_badges is 'Lists the badges of a user';
