-- Creates a batch of promo codes that work once each, in an admin's name. A code is the prefix and twelve random characters.
--
-- Concurrency: with a reference it acts once; a repeated call returns the batch of the first.
-- Locks: the new rows.
-- Returns: jsonb
--   ...private.promocode_batch
-- Errors: N0001 not an admin; N0003 the reference was used with another action; Z0007 a value is invalid.
create or replace function public.admin_create_promocode_batch(
  p_prefix text,
  p_kind text,
  p_value integer,
  p_size integer,
  p_admin_email text,
  p_valid_until timestamptz default null,
  p_note text default null,
  p_reference text default null
)
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
  if coalesce(p_valid_until <= private.clock(), false) then
    raise exception 'the end must be in the future' using errcode = 'Z0007';
  end if;
  begin
    insert into public.promocode_batches as b (prefix, kind, value, size, valid_until, note, reference)
    values (upper(trim(p_prefix)), p_kind, p_value, p_size, p_valid_until, nullif(trim(p_note), ''), p_reference)
    on conflict (reference) do nothing
    returning b.* into v_batch;
    if v_batch.id is null then
      select b.* into v_batch from public.promocode_batches as b where b.reference = p_reference;
      if (v_batch.prefix, v_batch.kind, v_batch.value, v_batch.size) is distinct from (upper(trim(p_prefix)), p_kind, p_value, p_size) then
        raise exception 'the reference was used with another batch' using errcode = 'N0003';
      end if;
      return private.promocode_batch(v_batch);
    end if;
    insert into public.promocodes (code, kind, value, plan, max_uses, valid_until, note, batch_id)
    select
      v_batch.prefix || '-' || upper(private.random_code()), v_batch.kind, v_batch.value,
      case when v_batch.kind = 'month' then 'PREMIUM' end, 1, v_batch.valid_until, v_batch.note, v_batch.id
      from generate_series(1, v_batch.size);
  exception when check_violation or not_null_violation then
    raise exception 'invalid batch: %', sqlerrm using errcode = 'Z0007';
  end;
  perform private.write_audit(
    v_email, 'create_promocode_batch', null, p_reference, '{}',
    jsonb_build_object('code', v_batch.prefix, 'batch', v_batch.id, 'size', v_batch.size, 'kind', p_kind, 'value', p_value)
  );
  return private.promocode_batch(v_batch);
end
$$;

revoke all on function public.admin_create_promocode_batch from public, anon, authenticated, service_role;
grant execute on function public.admin_create_promocode_batch to bot_backend;
comment on function public.admin_create_promocode_batch is 'Creates a batch of promo codes that work once each';
