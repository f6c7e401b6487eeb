-- Awards a badge to a user, once per badge and bot. Called by our own code and, with the secret key, by other services of
-- the same owner. The badge need not be in the table badges, which holds those with a condition. Creates no user.
--
-- Concurrency: see private.award_badge: of several calls at once one returns true.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true once: when the user receives the badge now.
-- Errors: Z0002 the name of the badge, the bot or the metadata are invalid; Z0004 no such user.
create or replace function public.award_badge(
  p_telegram_id bigint, p_bot text, p_badge text, p_metadata jsonb default '{}'
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.award_badge(
    (select u.id from public.users as u where u.telegram_id = p_telegram_id), p_bot, p_badge, p_metadata
  );
end
$$;

revoke all on function public.award_badge from public, anon, authenticated, service_role;
grant execute on function public.award_badge to bot_backend, service_role;
comment on function public.award_badge is 'Awards a badge to a user, once';
