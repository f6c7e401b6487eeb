-- Claims renewals whose charge is due now, of the providers in p_providers (a list of keys), and ends those that must not be
-- charged any more. Not charged are: a canceled renewal, a banned user, and a renewal whose last charge was refunded or
-- disputed. If the plan continues from another source, the charge moves to the end of that (private.prepare_renewal).
--
-- Concurrency: renewals that another transaction has locked are skipped; a renewal whose user is being erased is tried again
--   after a minute. A claimed attempt stays open until its outcome is recorded, and is claimed again after growing pauses (ten
--   minutes at first) with the same order and attempt number, hence the same idempotency key. After 20 hours (the provider
--   forgets keys after 24), or once the user has canceled or is banned, the attempt is only queried (is_status_check).
-- Locks: renewals by charge_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED) and its orders (SKIP
--   LOCKED).
-- Returns: jsonb
--   due: int            (how many were due)
--   charges: [ private.lease_charge ]
--   outgoing: outgoing
-- Errors: none.
create or replace function public.claim_due_renewals(p_providers jsonb, p_limit integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_due integer := 0;
  v_charge jsonb;
  v_charges jsonb := '[]'::jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_renewal in
    select r.*
      from public.renewals as r
     where r.charge_at <= v_now and p_providers ? r.provider
     order by r.charge_at
     limit p_limit
       for update skip locked
  loop
    v_due := v_due + 1;
    perform from public.users as u where u.id = v_renewal.user_id for key share skip locked;
    if not found then
      update public.renewals as r set charge_at = v_now + interval '1 minute' where r.id = v_renewal.id;
    elsif v_renewal.attempt_started_at is null then
      v_outgoing := v_outgoing || private.prepare_renewal(v_renewal);
    end if;
    v_charge := private.lease_charge(v_renewal.id);
    if v_charge is not null then
      v_charges := v_charges || v_charge;
    end if;
  end loop;
  return jsonb_build_object('due', v_due, 'charges', v_charges, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.claim_due_renewals from public, anon, authenticated, service_role;
grant execute on function public.claim_due_renewals to bot_backend;
comment on function public.claim_due_renewals is 'Claims renewals whose charge is due';
