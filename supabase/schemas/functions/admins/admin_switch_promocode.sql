-- Switches a promo code off or on again in an admin's name. What it gave so far stays, unused discounts included.
--
-- Concurrency: the code's row is locked. With a reference it acts once. A code that already has the state keeps it,
--   and no entry is written.
-- Locks: promo code (NO KEY UPDATE).
-- Returns: jsonb
--   private.promocode_details | null             (as it is now; null: no such code)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or code.
create or replace function public.admin_switch_promocode(
  p_code text, p_is_active boolean, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_promocode public.promocodes;
  v_known public.audit_log;
begin
  select p.* into v_promocode
    from public.promocodes as p
   where p.code = upper(trim(p_code))
     for no key update;
  if not found then
    return null;
  end if;
  v_known := private.find_audit_entry(p_reference, 'switch_promocode', null);
  if v_known.id is not null and v_known.after ->> 'code' <> v_promocode.code then
    raise exception 'the reference was used with another code' using errcode = 'N0003';
  elsif v_known.id is null and v_promocode.is_active <> p_is_active then
    perform private.write_audit(
      v_email, 'switch_promocode', null, p_reference,
      jsonb_build_object('code', v_promocode.code, 'is_active', v_promocode.is_active),
      jsonb_build_object('code', v_promocode.code, 'is_active', p_is_active)
    );
    update public.promocodes as p
       set is_active = p_is_active
     where p.id = v_promocode.id
    returning p.* into v_promocode;
  end if;
  return private.promocode_details(v_promocode);
end
$$;

revoke all on function public.admin_switch_promocode from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_promocode to bot_backend, service_role;
comment on function public.admin_switch_promocode is 'Switches a promo code off or on again';
