-- Returns why a title or a description of a product is invalid. A title has one line of at most 32 characters (the
-- limit of a Telegram invoice) and a visible one, because it stands alone on buttons; a description has at most 255
-- and may be missing. Neither may contain characters that change the text direction: a price behind such a title
-- would be displayed reversed.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   field: 'title' | 'description'            (null instead of all of it: the text is usable)
--   reason: 'empty' | 'long' | 'characters'
--   length: int
--   limit: int
-- Errors: none.
create or replace function private.check_product_text(p_field text, p_text text)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_maximum constant integer := case p_field when 'title' then 32 else 255 end;
  v_reason text := case
    when p_field = 'title' and regexp_replace(
      coalesce(p_text, ''),
      '[\s\u00A0\u00AD\u034F\u115F\u1160\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\U000E0000-\U000E01EF]',
      '', 'g'
    ) = '' then 'empty'
    when length(p_text) > v_maximum then 'long'
    when replace(p_text, case p_field when 'title' then '' else E'\n' end, '') ~ '[[:cntrl:]\u2028-\u202E\u2066-\u2069]' then 'characters'
  end;
begin
  if v_reason is null then
    return null;
  end if;
  return jsonb_build_object('field', p_field, 'reason', v_reason, 'length', coalesce(length(p_text), 0), 'limit', v_maximum);
end
$$;

revoke all on function private.check_product_text from public, anon, authenticated, service_role;
comment on function private.check_product_text is 'Returns why a title or a description of a product is invalid';
