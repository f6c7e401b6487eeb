-- Changes title and description of a product in one language in an admin's name. Without p_is_confirmed it changes
-- nothing and returns what would change. Earlier purchases show the new title too.
--
-- Concurrency: the product's row is locked. With a reference it acts once. With p_expected, the texts that the admin
--   saw, nothing changes if another admin changed them since.
-- Locks: product (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied' | 'preview' | 'refused' | 'changed' | 'unchanged'   (applied also for a repetition; preview: not
--                          confirmed; changed: the texts are not p_expected)
--     product: private.product_card           (as it is now)
--     before: { title?: text, description?: text }
--     after: public.admin_set_product_texts.before
--     problems: [ private.check_product_text ]
--   } | null               (no such product)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, product or text; N0004 the language
--   is invalid.
create or replace function public.admin_set_product_texts(
  p_key text,
  p_language text,
  p_title text,
  p_description text,
  p_admin_email text,
  p_reference text default null,
  p_expected jsonb default null,
  p_is_confirmed boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_after jsonb := jsonb_strip_nulls(
    jsonb_build_object('title', coalesce(trim(p_title), ''), 'description', nullif(trim(p_description), ''))
  );
  v_product public.products := private.lock_product(p_key);
  v_known public.audit_log := case when v_product.key is not null then private.find_audit_entry(p_reference, 'set_product_texts', null) end;
  v_before jsonb;
  v_problems jsonb;
  v_outcome text;
begin
  if coalesce(p_language, '') !~ '^[a-z]{2}$' then
    raise exception 'the language must have two letters' using errcode = 'N0004';
  end if;
  if v_product.key is null then
    return null;
  end if;
  v_before := coalesce(v_product.texts -> p_language, '{}');
  v_problems := to_jsonb(array_remove(
    array[private.check_product_text('title', v_after ->> 'title'), private.check_product_text('description', v_after ->> 'description')],
    null
  ));
  if v_known.id is not null then
    if v_known.after is distinct from v_after || jsonb_build_object('product', p_key, 'language', p_language) then
      raise exception 'the reference was used with another product or text' using errcode = 'N0003';
    end if;
    v_outcome := 'known';
  else
    v_outcome := case
      when v_problems <> '[]' then 'refused'
      when v_before <> p_expected then 'changed'
      when v_after = v_before then 'unchanged'
      when not coalesce(p_is_confirmed, false) then 'preview'
      else 'applied'
    end;
  end if;
  if v_outcome = 'applied' then
    update public.products as p
       set texts = p.texts || jsonb_build_object(p_language, v_after)
     where p.key = p_key
    returning p.* into v_product;
    perform private.write_audit(
      v_email, 'set_product_texts', null, p_reference,
      v_before || jsonb_build_object('product', p_key, 'language', p_language),
      v_after || jsonb_build_object('product', p_key, 'language', p_language)
    );
  end if;
  return jsonb_build_object(
    'outcome', case v_outcome when 'known' then 'applied' else v_outcome end,
    'product', private.product_card(v_product),
    'before', v_before,
    'after', v_after,
    'problems', v_problems
  );
end
$$;

revoke all on function public.admin_set_product_texts from public, anon, authenticated, service_role;
grant execute on function public.admin_set_product_texts to bot_backend, service_role;
comment on function public.admin_set_product_texts is 'Changes title and description of a product in an admin''s name';
