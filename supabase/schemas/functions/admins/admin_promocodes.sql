-- Lists the promo codes for an admin, but for those of batches, newest first, page by page; with p_code only that one.
--
-- Concurrency: read-only, over an index. A page starts below p_before, so new codes do not shift it.
-- Locks: none.
-- Returns: jsonb
--   promocodes: [ private.promocode_details ]
--   next: bigint | null    (p_before of the next page)
-- Errors: N0001 not an admin.
create or replace function public.admin_promocodes(
  p_admin_email text, p_code text default null, p_before bigint default null, p_limit integer default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  -- Two queries, so that each uses its own index.
  if p_code is not null then
    v_ids := array(select p.id from public.promocodes as p where p.code = upper(trim(p_code)));
  else
    v_ids := array(
      select p.id from public.promocodes as p where p.batch_id is null and (p_before is null or p.id < p_before)
       order by p.id desc limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'promocodes', (
      select coalesce(jsonb_agg(private.promocode_details(p) order by p.id desc), '[]'::jsonb)
        from public.promocodes as p
       where p.id = any (v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_promocodes from public, anon, authenticated, service_role;
grant execute on function public.admin_promocodes to bot_backend, service_role;
comment on function public.admin_promocodes is 'Lists the promo codes for an admin, newest first';
