-- Lists batches of promo codes for an admin, newest first, page by page.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   batches: [ private.promocode_batch ]
--   next: bigint | null    (p_before of the next page)
-- Errors: N0001 not an admin.
create or replace function public.admin_promocode_batches(
  p_admin_email text, p_before bigint default null, p_limit integer default 20
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit constant integer := least(greatest(p_limit, 1), 50);
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  v_ids := array(
    select b.id from public.promocode_batches as b where p_before is null or b.id < p_before
     order by b.id desc limit v_limit + 1
  );
  return jsonb_build_object(
    'batches', (
      select coalesce(jsonb_agg(private.promocode_batch(b) order by b.id desc), '[]'::jsonb)
        from public.promocode_batches as b
       where b.id = any(v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_promocode_batches from public, anon, authenticated, service_role;
grant execute on function public.admin_promocode_batches to bot_backend;
comment on function public.admin_promocode_batches is 'Lists batches of promo codes for an admin';
