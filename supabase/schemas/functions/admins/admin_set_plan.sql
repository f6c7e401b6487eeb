-- Gives a user a plan in an admin's name, from now for p_days days or without an end; the free plan takes back what
-- admins gave. Purchased plans stay: of several plans the highest counts. The user gets one message if the plan
-- changed.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first. Days are counted from now, so a second gift does not add to the first.
-- Locks: user (NO KEY UPDATE), then subscriptions given by admins.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: private.plan_of
--   after: private.plan_of
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once if the plan changed)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user, plan or
--   number; N0004 the number of days is invalid; N0006 no such plan.
create or replace function public.admin_set_plan(
  p_user_id bigint, p_plan text, p_days integer, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_email text := private.require_admin(p_admin_email);
  v_vip_level integer;
  v_known public.audit_log;
  v_before jsonb;
  v_after jsonb;
  v_replaced bigint[];
  v_subscription bigint;
  v_id bigint;
begin
  select l.vip_level into v_vip_level from public.subscription_limits as l where l.plan = p_plan;
  if not found then
    raise exception 'no such plan' using errcode = 'N0006';
  elsif p_days not between 1 and 3660 or (v_vip_level = 0 and p_days is not null) then
    raise exception 'days must be between 1 and 3660 or null; null for the free plan' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'set_plan', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'given', (v_known.after ->> 'days')::integer) is distinct from (p_plan, p_days) then
      raise exception 'the reference was used with another plan or number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before, 'id', v_known.id, 'outgoing', '[]'::jsonb,
      'after', v_known.after - '{given,days,subscription,replaced}'::text[]
    );
  end if;

  v_before := private.plan_of(p_user_id);
  with ended as (
    update public.subscriptions as s
       set status = 'canceled', ended_at = v_now
     where s.user_id = p_user_id and s.source = 'admin' and s.status = 'active'
    returning s.id
  )
  select array_agg(e.id order by e.id) into v_replaced from ended as e;
  if v_vip_level > 0 then
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    values (p_user_id, p_plan, 'admin', v_now, v_now + make_interval(days => p_days))
    returning id into v_subscription;
  end if;
  perform private.refresh_access(p_user_id);
  v_after := private.plan_of(p_user_id);
  v_id := private.write_audit(
    v_email, 'set_plan', p_user_id, p_reference, v_before,
    v_after || jsonb_build_object(
      'given', p_plan, 'days', p_days, 'subscription', v_subscription, 'replaced', coalesce(to_jsonb(v_replaced), '[]')
    )
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_plan_change(p_user_id, v_before, v_after)
  );
end
$$;

revoke all on function public.admin_set_plan from public, anon, authenticated, service_role;
grant execute on function public.admin_set_plan to bot_backend, service_role;
comment on function public.admin_set_plan is 'Gives a user a plan in an admin''s name';
