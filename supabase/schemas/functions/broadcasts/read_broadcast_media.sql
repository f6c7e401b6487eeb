-- Returns the file of a broadcast, to upload it to Telegram.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--      kind: text
--      name: text
--      mime_type: text
--      content: text | null       (base64)
--   } | null           (null: there is none)
-- Errors: none.
create or replace function public.read_broadcast_media(p_broadcast_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'kind', m.kind, 'name', m.name, 'mime_type', m.mime_type, 'content', encode(m.content, 'base64')
    )
    from public.broadcast_media as m
   where m.broadcast_id = p_broadcast_id;
$$;

revoke all on function public.read_broadcast_media from public, anon, authenticated, service_role;
grant execute on function public.read_broadcast_media to bot_backend;
comment on function public.read_broadcast_media is 'The file of a broadcast, to upload it';
