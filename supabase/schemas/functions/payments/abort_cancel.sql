-- Notes that a user's try to stop a renewal at its provider (public.begin_cancel) got no answer or a refusal, so that a callback
-- that confirms it later is confirmed to the user, too.
--
-- Twice or at once: the renewal's row is locked; the same again changes nothing.
-- Locks: renewal.
-- Returns: jsonb {outcome: known, charged_until, is_over}: its callback came meanwhile and says that it is stopped, as
--   public.cancel_renewal returns it | {outcome: running} | {outcome: unknown}.
-- Errors: none.
create or replace function public.abort_cancel(p_user_id bigint, p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
begin
  update public.renewals as r
     set cancel_requested_at = null
   where r.id = p_renewal_id and r.user_id = p_user_id
  returning r.* into v_renewal;
  return case
    when v_renewal.id is null then jsonb_build_object('outcome', 'unknown')
    when v_renewal.status in ('canceled', 'ended') then jsonb_build_object(
      'outcome', 'known',
      'charged_until', v_renewal.charged_until,
      'is_over', v_renewal.charged_until <= private.clock()
    )
    else jsonb_build_object('outcome', 'running')
  end;
end
$$;

revoke all on function public.abort_cancel from public, anon, authenticated, service_role;
grant execute on function public.abort_cancel to bot_backend;
comment on function public.abort_cancel is 'Notes that a try to stop a renewal at its provider got no answer';
