-- Notes that a person wants a renewal no more: nothing is charged again, what was paid still runs, and with what it was
-- charged is forgotten.
--
-- Twice or at once: the renewal's row is locked; one that is canceled stays so. While the provider is being asked for the
--   next period it is too late, and too early to say so: that takes a minute at most.
-- Returns: jsonb {outcome: canceled | known | unknown | busy, charged_until, is_over}; is_over: what was paid is over
--   already.
-- Errors: none.
create or replace function public.cancel_renewal(p_user_id bigint, p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
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
    return jsonb_build_object(
      'outcome', 'known',
      'charged_until', v_renewal.charged_until,
      'is_over', v_renewal.charged_until <= private.clock()
    );
  elsif v_renewal.attempt_started_at is not null and v_renewal.lease_until > private.clock() then
    return jsonb_build_object('outcome', 'busy');
  end if;
  update public.renewals as r
     set status = 'canceled',
         canceled_at = private.clock(),
         saved_method = null,
         -- An open try is looked after all the same: it may have been charged.
         charge_at = case
           when r.charge_at is not null and r.attempt_started_at is null then greatest(r.charged_until, private.clock())
           else r.charge_at
         end
   where r.id = v_renewal.id;
  return jsonb_build_object(
    'outcome', 'canceled',
    'charged_until', v_renewal.charged_until,
    'is_over', v_renewal.charged_until <= private.clock()
  );
end
$$;

revoke all on function public.cancel_renewal from public, anon, authenticated, service_role;
grant execute on function public.cancel_renewal to bot_backend;
comment on function public.cancel_renewal is 'Notes that a person wants a renewal no more';
