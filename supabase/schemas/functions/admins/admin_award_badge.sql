-- Awards a badge to a user in an admin's name, also one that was revoked. The user gets no message of it.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   ...private.set_badge
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or badge;
--   N0004 the badge or the reason is invalid.
create or replace function public.admin_award_badge(
  p_user_id bigint,
  p_badge text,
  p_bot text,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.set_badge(private.require_admin(p_admin_email), p_user_id, p_badge, p_bot, true, p_reference, p_reason);
end
$$;

revoke all on function public.admin_award_badge from public, anon, authenticated, service_role;
grant execute on function public.admin_award_badge to bot_backend, service_role;
comment on function public.admin_award_badge is 'Awards a badge to a user in an admin''s name';
