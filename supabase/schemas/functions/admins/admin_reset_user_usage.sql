-- Resets the requests that a user took from the plan this month, today's included, over all bots, in an admin's name.
-- Requests on bonus credits and user API keys stay counted, as no limit counts them. The user gets one message if
-- there was something to reset. The audit log stores the requests of the day too.
--
-- Concurrency: the user's row is locked, as for every reservation. With a reference it acts once, and a repeated call
--   returns the result of the first; without one every call acts.
-- Locks: user (NO KEY UPDATE), daily_usage, monthly_usage.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: int            (requests of the month)
--   after: int
--   id: bigint             (the audit entry, for admin_undo; it keeps the day's requests too)
--   outgoing: outgoing     (the message to the user, sent once if there was something to reset)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action or user.
create or replace function public.admin_reset_user_usage(
  p_user_id bigint, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_vip_level integer;
  v_quota record;
  v_known public.audit_log;
  v_id bigint;
begin
  select u.vip_level into v_vip_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'reset_user_usage', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'requests', 'after', v_known.after -> 'requests',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_quota := private.quota(p_user_id, v_vip_level);
  update public.daily_usage as d
     set requests = 0
   where d.user_id = p_user_id and d.day >= v_quota.month and d.requests > 0;
  update public.monthly_usage as m
     set requests = 0
   where m.user_id = p_user_id and m.month = v_quota.month;
  v_id := private.write_audit(
    v_email, 'reset_user_usage', p_user_id, p_reference,
    jsonb_build_object(
      'requests', v_quota.month_requests, 'month', v_quota.month, 'day_requests', v_quota.requests, 'day', v_quota.day
    ),
    jsonb_build_object('requests', 0, 'month', v_quota.month, 'day_requests', 0, 'day', v_quota.day)
  );
  return jsonb_build_object(
    'applied', true, 'before', v_quota.month_requests, 'after', 0, 'id', v_id,
    'outgoing', case
      when v_quota.month_requests > 0 then private.notify_user(p_user_id, 'gift_reset', '{}')
      else '[]'::jsonb
    end
  );
end
$$;

revoke all on function public.admin_reset_user_usage from public, anon, authenticated, service_role;
grant execute on function public.admin_reset_user_usage to bot_backend, service_role;
comment on function public.admin_reset_user_usage is 'Resets a user''s requests of the month in an admin''s name';
