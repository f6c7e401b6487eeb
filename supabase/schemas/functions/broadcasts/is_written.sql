-- Whether a message has something to send: a text, or a picture, video or file.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_written(p_broadcast public.broadcasts)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_broadcast.content -> 'texts', '{}') <> '{}'
    or exists (select from public.broadcast_media as m where m.broadcast_id = p_broadcast.id);
$$;

revoke all on function private.is_written from public, anon, authenticated, service_role;
comment on function private.is_written is 'Whether a message has something to send';
