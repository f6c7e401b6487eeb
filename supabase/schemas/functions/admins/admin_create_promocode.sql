-- Creates a promo code in an admin's name.
--
-- Concurrency: the code is unique regardless of case. With a reference it acts once, and a repeated call returns the
--   code that the first one created.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'created' | 'taken'
--   promocode: private.promocode_details   (taken: the existing one)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or code; Z0007 a value is invalid: the
--   letters of the code, kind, number, plan, uses, times or note.
create or replace function public.admin_create_promocode(
  p_code text,
  p_kind text,
  p_value integer,
  p_admin_email text,
  p_max_uses integer default null,
  p_valid_until timestamptz default null,
  p_valid_from timestamptz default null,
  p_plan text default 'PREMIUM',
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
  v_email text := private.require_admin(p_admin_email);
  v_note text := nullif(trim(p_note), '');
  v_promocode public.promocodes;
  v_known public.audit_log;
begin
  if length(v_note) > 500 or coalesce(p_valid_until <= private.clock(), false) then
    raise exception 'the note must have at most 500 characters, and the end must be in the future' using errcode = 'Z0007';
  end if;
  v_known := private.find_audit_entry(p_reference, 'create_promocode', null);
  begin
    insert into public.promocodes as p (code, kind, value, plan, max_uses, valid_from, valid_until, note)
    values (
      upper(trim(p_code)), p_kind, p_value,
      case when p_kind = 'month' then p_plan end,
      p_max_uses, coalesce(p_valid_from, private.clock()), p_valid_until, v_note
    )
    on conflict (code) do nothing
    returning p.* into v_promocode;
  exception when check_violation or not_null_violation or foreign_key_violation then
    raise exception 'invalid promo code: %', sqlerrm using errcode = 'Z0007';
  end;
  if v_promocode.id is null then
    select p.* into v_promocode from public.promocodes as p where p.code = upper(trim(p_code));
    if v_known.id is not null and v_known.after ->> 'code' <> v_promocode.code then
      raise exception 'the reference was used with another code' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'outcome', case when v_known.id is not null then 'created' else 'taken' end,
      'promocode', private.promocode_details(v_promocode)
    );
  end if;
  perform private.write_audit(
    v_email, 'create_promocode', null, p_reference, '{}',
    jsonb_strip_nulls(to_jsonb(v_promocode) - '{uses,is_active,created_at,batch_id}'::text[])
  );
  return jsonb_build_object('outcome', 'created', 'promocode', private.promocode_details(v_promocode));
end
$$;

revoke all on function public.admin_create_promocode from public, anon, authenticated, service_role;
grant execute on function public.admin_create_promocode to bot_backend, service_role;
comment on function public.admin_create_promocode is 'Creates a promo code in an admin''s name';
