-- Notes that a person wants a renewal no more: nothing is charged again, what was paid still runs.
--
-- Twice or at once: the renewal's row is locked; one that is canceled stays so.
-- Returns: jsonb {outcome: canceled | known | unknown, charged_until}.
-- Errors: none.
create or replace function public.cancel_renewal(p_user_id bigint, p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_renewal public.renewals;
begin
  select r.* into v_renewal
    from public.renewals as r
   where r.id = p_renewal_id and r.user_id = p_user_id
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_renewal.status in ('canceled', 'ended') then
    return jsonb_build_object('outcome', 'known', 'charged_until', v_renewal.charged_until);
  end if;
  update public.renewals as r set status = 'canceled' where r.id = v_renewal.id;
  return jsonb_build_object('outcome', 'canceled', 'charged_until', v_renewal.charged_until);
end
$$;

revoke all on function public.cancel_renewal from public, anon, authenticated;
grant execute on function public.cancel_renewal to bot_backend, service_role;
comment on function public.cancel_renewal is 'Notes that a person wants a renewal no more';
