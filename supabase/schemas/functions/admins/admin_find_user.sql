-- Finds a user for an admin by Telegram id or @username (p_identifier), with what the admin needs to know before
-- acting. undo is the last action of an admin on this user in 30 days, if it can be undone.
--
-- Concurrency: read-only. A username may have passed from one user to another: of several the one who was active last
--   is returned.
-- Locks: none.
-- Returns: jsonb
--   {
--     id: bigint, telegram_id: bigint, username: text | null, first_name: text, last_name: text | null, language: text,
--     is_admin: boolean, is_active: boolean, created_at: timestamptz, last_activity: timestamptz,
--     banned_at: timestamptz | null, ban_reason: text | null,
--     plan: text, plan_ends_at: timestamptz | null,
--     requests: int, daily_requests: int | null, month_requests: int, monthly_requests: int | null   (null: no limit),
--     bonus_credits: int,
--     free_trainings: int                     (unused ones),
--     balance: numeric, currency: text,
--     total_referrals: int,
--     money: private.user_payment_totals,
--     keys: int                               (how many API keys of their own),
--     timezone: text,
--     has_given_plan: boolean                 (an admin gave a plan that still runs),
--     undo: private.last_undoable | null,
--     plans: [ text ]                         (all plans, lowest first)
--   } | null                                  (no such user)
-- Errors: N0001 not an admin.
create or replace function public.admin_find_user(p_identifier text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_quota record;
begin
  perform private.require_admin(p_admin_email);
  if p_identifier ~ '^[0-9]{1,18}$' then
    select u.* into v_user from public.users as u where u.telegram_id = p_identifier::bigint;
  else
    select u.* into v_user
      from public.users as u
     where lower(u.username) = lower(nullif(ltrim(p_identifier, '@'), ''))
     order by u.last_activity desc
     limit 1;
  end if;
  if not found then
    return null;
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  return jsonb_build_object(
    'id', v_user.id,
    'telegram_id', v_user.telegram_id,
    'username', v_user.username,
    'first_name', v_user.first_name,
    'last_name', v_user.last_name,
    'language', coalesce(v_user.language, v_user.language_code),
    'is_admin', v_user.is_admin,
    'is_active', v_user.is_active,
    'created_at', v_user.created_at,
    'last_activity', v_user.last_activity,
    'banned_at', v_user.banned_at,
    'ban_reason', v_user.ban_reason,
    'plan', v_quota.plan,
    'plan_ends_at', private.plan_of(v_user.id) -> 'ends_at',
    'requests', v_quota.requests,
    'daily_requests', v_quota.daily_requests,
    'month_requests', v_quota.month_requests,
    'monthly_requests', v_quota.monthly_requests,
    'bonus_credits', v_user.bonus_credits,
    'free_trainings', (
      select coalesce(sum(f.quantity - f.used), 0) from public.free_trainings as f where f.user_id = v_user.id
    ),
    'balance', v_user.balance::text,
    'currency', private.setting('balance_currency'),
    'total_referrals', v_user.total_referrals,
    'money', private.user_payment_totals(v_user.id),
    'keys', (select count(*) from public.user_tokens as k where k.user_id = v_user.id),
    'timezone', private.setting('quota_timezone'),
    'has_given_plan', exists (
      select from public.subscriptions as s
       where s.user_id = v_user.id and s.source = 'admin' and s.status = 'active'
    ),
    'undo', private.last_undoable(v_user.id),
    'plans', (select jsonb_agg(l.plan order by l.vip_level) from public.subscription_limits as l)
  );
end
$$;

revoke all on function public.admin_find_user from public, anon, authenticated, service_role;
grant execute on function public.admin_find_user to bot_backend, service_role;
comment on function public.admin_find_user is 'Finds a user by Telegram id or @username for an admin';
