-- Gives a user XP, once per user, rule and reference. Called by our own code and, with the secret key, by other services of
-- the same owner. Without p_points the rule gives as many as its row in xp_rules says. The rule correction also takes XP
-- (negative points), down to zero. Creates no user.
--
-- Concurrency: see private.award_xp: of fifty calls with one reference one awards, and only its result can say leveled_up.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   awarded: boolean       (false: the reference is known, or the limits of the day left nothing)
--   points: int            (that this reference gave, now or before; negative: a correction)
--   leveled_up: boolean    (only in the call that awarded)
--   old_level: int
--   new_level: int
--   total_xp: bigint
-- Errors: Z0002, Z0003, Z0004, Z0008, see private.award_xp.
create or replace function public.award_xp(
  p_telegram_id bigint, p_bot text, p_rule text, p_reference text, p_points integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.award_xp(
    (select u.id from public.users as u where u.telegram_id = p_telegram_id), p_bot, p_rule, p_reference, p_points
  );
end
$$;

revoke all on function public.award_xp from public, anon, authenticated, service_role;
grant execute on function public.award_xp to bot_backend, service_role;
comment on function public.award_xp is 'Gives a user XP, once per rule and reference';
