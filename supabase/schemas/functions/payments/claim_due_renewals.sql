-- Gives the renewals that are to be charged now with what was saved (p_providers: a list of keys), and ends those that
-- nothing shall be charged for any more.
--
-- Twice or at once: rows that somebody holds and people who are being erased are skipped. One that was given is open
--   until its outcome is recorded: it is given again, after ten minutes at first, with the same order and the same try,
--   so the provider knows it for the same. Whose outcome is still unknown after 20 hours (the provider forgets the key
--   after 24), or who has canceled since, is only to be due for (is_status_check). Whose plan runs on in another way is
--   charged when that ends; of whom the last charge was given back or disputed, or who is banned, nothing is charged.
-- Returns: jsonb {due, charges: [{id, attempt, order_id, provider, saved_method, is_status_check, attempt_started_at, reference, texts,
--   amount, currency, contact, telegram_id, languages, bot}], outgoing}: due is how many were due; attempt_started_at is since
--   when the try is open, reference the provider's number of a charge that was under way.
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
comment on function public.claim_due_renewals is 'Gives the renewals that are to be charged now';
