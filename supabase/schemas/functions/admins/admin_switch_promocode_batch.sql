-- Switches the codes of a batch off, or on again, in an admin's name. Codes that were redeemed keep what they gave.
--
-- Concurrency: the batch is locked; a redemption at the same time happens before or after. A repeated call changes nothing.
-- Locks: batch (NO KEY UPDATE), its codes by id.
-- Returns: jsonb
--   private.promocode_batch | null   (no such batch)
-- Errors: N0001 not an admin.
create or replace function public.admin_switch_promocode_batch(p_batch_id bigint, p_is_active boolean, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_batch public.promocode_batches;
begin
  select b.* into v_batch from public.promocode_batches as b where b.id = p_batch_id for no key update;
  if not found then
    return null;
  end if;
  perform from public.promocodes as p where p.batch_id = p_batch_id order by p.id for no key update;
  update public.promocodes as p
     set is_active = p_is_active
   where p.batch_id = p_batch_id and p.is_active <> p_is_active;
  if found then
    perform private.write_audit(
      v_email, 'switch_promocode', null, null,
      jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id, 'is_active', not p_is_active),
      jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id, 'is_active', p_is_active)
    );
  end if;
  return private.promocode_batch(v_batch);
end
$$;

revoke all on function public.admin_switch_promocode_batch from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_promocode_batch to bot_backend;
comment on function public.admin_switch_promocode_batch is 'Switches the codes of a batch off, or on again';
