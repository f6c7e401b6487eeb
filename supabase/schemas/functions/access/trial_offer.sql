-- Tells the free trial that a person may have.
--
-- Twice or at once: only reads.
-- Returns: json {plan, days}, or null when there is none for them.
-- Errors: none.
create or replace function public.trial_offer(p_user_id bigint)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found or private.trial_state(v_user) <> 'available' then
    return null;
  end if;
  return json_build_object(
    'plan', private.setting('trial_plan'), 'days', private.setting('trial_days')::integer
  );
end
$$;

revoke all on function public.trial_offer from public, anon, authenticated;
grant execute on function public.trial_offer to bot_backend, service_role;
comment on function public.trial_offer is 'The free trial that a person may have';
