-- Returns all codes of a batch for an admin's export, which is audited once an hour (private.audit_reading).
--
-- Concurrency: read-only but for the audit.
-- Locks: none.
-- Returns: jsonb
--   {
--     batch: private.promocode_batch
--     codes: [ { code: text, uses: int, is_active: boolean } ]
--   } | null               (no such batch)
-- Errors: N0001 not an admin.
create or replace function public.admin_export_promocode_batch(p_batch_id bigint, p_admin_email text)
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
  select b.* into v_batch from public.promocode_batches as b where b.id = p_batch_id;
  if not found then
    return null;
  end if;
  perform private.audit_reading(
    v_email, 'export_promocodes', p_batch_id::text, null, jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id)
  );
  return jsonb_build_object(
    'batch', private.promocode_batch(v_batch),
    'codes', (
      select coalesce(
          jsonb_agg(jsonb_build_object('code', p.code, 'uses', p.uses, 'is_active', p.is_active) order by p.id), '[]'::jsonb
        )
        from public.promocodes as p
       where p.batch_id = p_batch_id
    )
  );
end
$$;

revoke all on function public.admin_export_promocode_batch from public, anon, authenticated, service_role;
grant execute on function public.admin_export_promocode_batch to bot_backend;
comment on function public.admin_export_promocode_batch is 'Returns all codes of a batch for an admin''s export';
