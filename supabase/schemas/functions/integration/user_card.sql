-- Returns what other services need to know of a user. Services may store it: keys are added, never renamed.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   telegram_id: bigint
--   username: text | null
--   first_name: text
--   last_name: text | null
--   language: text         (chosen by the user; else that of the Telegram client)
--   plan: text
--   plan_ends_at: timestamptz | null
--   vip_level: int
--   is_paid: boolean
--   is_admin: boolean
--   is_banned: boolean
--   is_active: boolean     (false: the user blocks every bot)
--   has_started: boolean   (false: no bot has received a message of the user yet)
--   balance: numeric
--   bonus_credits: int
--   total_xp: bigint
--   level: int
--   referral_code: text
--   total_referrals: int
--   created_at: timestamptz
--   last_activity: timestamptz
-- Errors: none.
create or replace function private.user_card(p_user public.users)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_plan jsonb := private.plan_of(p_user.id);
begin
  return jsonb_build_object(
    'id', p_user.id,
    'telegram_id', p_user.telegram_id,
    'username', p_user.username,
    'first_name', p_user.first_name,
    'last_name', p_user.last_name,
    'language', coalesce(p_user.language, p_user.language_code),
    'plan', v_plan -> 'plan',
    'plan_ends_at', v_plan -> 'ends_at',
    'vip_level', p_user.vip_level,
    'is_paid', p_user.is_paid,
    'is_admin', p_user.is_admin,
    'is_banned', p_user.banned_at is not null,
    'is_active', p_user.is_active,
    'has_started', p_user.has_started,
    'balance', p_user.balance::text,
    'bonus_credits', p_user.bonus_credits,
    'total_xp', p_user.total_xp,
    'level', p_user.level,
    'referral_code', p_user.referral_code,
    'total_referrals', p_user.total_referrals,
    'created_at', p_user.created_at,
    'last_activity', p_user.last_activity
  );
end
$$;

revoke all on function private.user_card from public, anon, authenticated, service_role;
comment on function private.user_card is 'Returns what other services need to know of a user';
