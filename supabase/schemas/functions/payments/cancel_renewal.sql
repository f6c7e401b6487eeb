-- Cancels a renewal at the request of its user: nothing is charged any more, the paid period continues, and the saved payment
-- method is deleted.
--
-- Concurrency: the renewal's row is locked; a canceled one stays canceled. While a worker holds the lease of an open charge
--   attempt (a minute at most), it is too late to prevent the charge and too early to know its outcome: the call returns busy.
--   An open attempt without a lease stays open, so that a charge that happened is still found.
-- Locks: renewal.
-- Returns: jsonb
--   outcome: 'canceled' | 'known' | 'unknown' | 'busy'
--   charged_until?: timestamptz | null        (canceled, known)
--   is_over?: boolean | null                  (canceled, known: the paid period is over already)
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
         -- An open attempt keeps its time: its outcome is still to be queried, it may have been charged.
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
comment on function public.cancel_renewal is 'Cancels a renewal at the request of its user';
