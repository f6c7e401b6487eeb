-- Returns the state of a user's free trial: whether it is available, its plan and days, and until when it runs.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     outcome: 'available' | 'already_used' | 'paid_already' | 'off',
--     plan: text,
--     days: int,
--     ends_at: timestamptz | null   (while the trial runs)
--   } | null                        (no such user)
-- Errors: none.
create or replace function public.trial_offer(p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    return null;
  end if;
  return jsonb_build_object(
    'outcome', private.trial_state(v_user),
    'plan', private.setting('trial_plan'),
    'days', private.setting('trial_days')::integer,
    'ends_at', (
      select max(s.ends_at)
        from public.subscriptions as s
       where s.user_id = p_user_id and s.source = 'trial' and s.status = 'active' and s.ends_at > private.clock()
    )
  );
end
$$;

revoke all on function public.trial_offer from public, anon, authenticated, service_role;
grant execute on function public.trial_offer to bot_backend, service_role;
comment on function public.trial_offer is 'Returns the state of a user''s free trial';
