-- Starts a user's free trial, once per user and also after an erasure: the plan of the setting trial_plan for
-- trial_days days. A repeated call returns until when it runs.
--
-- Concurrency: the user's row is locked and records the trial, so of two calls one starts it.
-- Locks: user (NO KEY UPDATE), then as private.extend_subscription.
-- Returns: jsonb
--   outcome: 'started' | 'already_used' | 'paid_already' | 'off'
--   ...public.trial_offer
-- Errors: Z0004, no such user.
create or replace function public.start_trial(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_state text;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  v_state := private.trial_state(v_user);
  if v_state = 'available' then
    v_state := 'started';
    update public.users as u set trial_used = true where u.id = p_user_id;
    perform private.extend_subscription(
      p_user_id, private.setting('trial_plan'), 'trial', null, private.setting('trial_days')::integer * 86400
    );
  end if;
  return public.trial_offer(p_user_id) || jsonb_build_object('outcome', v_state);
end
$$;

revoke all on function public.start_trial from public, anon, authenticated, service_role;
grant execute on function public.start_trial to bot_backend, service_role;
comment on function public.start_trial is 'Starts a user''s free trial, once per user';
