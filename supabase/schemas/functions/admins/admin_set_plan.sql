-- Gives a person a plan in an admin's name, from now for p_days or without an end; the free plan takes back
-- what admins gave. What was bought stays: of several plans the highest counts.
--
-- Twice or at once: the person's row is locked; with a reference it acts once, and a repetition is answered
--   with what it did then. Days are counted from now, so a second gift does not add to the first.
-- Returns: jsonb {applied, before, after, id (of the audit entry, for admin_undo), outgoing: messages to deliver now}; before and
--   after are {plan, ends_at}: what the user has, bought or given. The user is told once, if that changed.
-- Errors: N0001 not an admin; N0002 no such person; N0003 the reference is known with another action, person,
--   plan or number; N0004 the number of days is unusable; N0006 there is no such plan.
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
    raise exception 'there is no such plan' using errcode = 'N0006';
  elsif p_days not between 1 and 3660 or (v_vip_level = 0 and p_days is not null) then
    raise exception 'days must be 1 to 3660, or none; the free plan has none' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'set_plan', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'given', (v_known.after ->> 'days')::integer) is distinct from (p_plan, p_days) then
      raise exception 'this reference is known with another plan or number' using errcode = 'N0003';
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
comment on function public.admin_set_plan is 'Gives a person a plan in an admin''s name';
