-- Returns what segments can choose from.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plans: [ text ]
--   products: [{ key: text, texts: jsonb }]
--   courses: [{ id: bigint, texts: jsonb }]
--   labels: [{ id: bigint, name: text }]
--   ad_links: [{ key: text, name: text }]      (the newest first, archived ones last)
-- Errors: N0009 the role does not allow it.
create or replace function public.broadcast_choices(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'plans', (select coalesce(jsonb_agg(l.plan order by l.vip_level), '[]'::jsonb) from public.subscription_limits as l),
    'products', (
      select coalesce(jsonb_agg(jsonb_build_object('key', p.key, 'texts', p.texts) order by p.position, p.key), '[]'::jsonb)
        from public.products as p
    ),
    'courses', (
      select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'texts', c.texts) order by c.position, c.id), '[]'::jsonb)
        from public.courses as c
    ),
    'labels', (
      select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name) order by lower(l.name)), '[]'::jsonb)
        from public.messenger_labels as l
    ),
    'ad_links', (
      select coalesce(
          jsonb_agg(jsonb_build_object('key', l.key, 'name', l.name) order by l.archived_at is not null, l.id desc), '[]'::jsonb
        )
        from public.ad_links as l
    )
  );
end
$$;

revoke all on function public.broadcast_choices from public, anon, authenticated, service_role;
grant execute on function public.broadcast_choices to bot_backend;
comment on function public.broadcast_choices is 'What segments can choose from';
