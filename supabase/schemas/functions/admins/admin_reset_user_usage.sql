-- Gives a user the month's requests back, today's included, over all bots, in an admin's name. What was paid with
-- bonus credits and what own keys answered stays counted, as no limit counts it.
--
-- Twice or at once: the user's row is locked, as it is for every request that is reserved; with a reference
--   it acts once, and a repetition is answered with what it did then. Without one, every call acts.
-- Returns: jsonb {applied, before, after, id (of the audit entry, for admin_undo), outgoing: messages to deliver now}: requests
--   of the month. The audit log keeps the day's beside them. The user is told once, if there was something to reset.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action or person.
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
    raise exception 'there is no such person' using errcode = 'N0002';
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
comment on function public.admin_reset_user_usage is 'Gives a user the month''s requests back in an admin''s name';
