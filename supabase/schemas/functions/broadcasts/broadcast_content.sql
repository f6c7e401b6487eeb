-- Returns what a broadcast sends through a bot.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, { kind, content, media: { kind, file_id } | null }
-- Errors: none.
create or replace function private.broadcast_content(p_broadcast public.broadcasts, p_bot text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('kind', p_broadcast.kind, 'content', p_broadcast.content, 'media', (
    select jsonb_build_object('kind', m.kind, 'file_id', m.file_ids ->> p_bot)
      from public.broadcast_media as m
     where m.broadcast_id = p_broadcast.id
  ));
$$;

revoke all on function private.broadcast_content from public, anon, authenticated, service_role;
comment on function private.broadcast_content is 'What a broadcast sends through a bot';
