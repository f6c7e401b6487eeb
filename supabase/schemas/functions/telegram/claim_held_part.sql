-- Extends the lease of a held part of a long text, or of a held album, while the user's next message or button is
-- processed, which takes the part along (shared/features/chat/paste.py, albums.py). The sweep leaves the part alone until then.
--
-- Concurrency: a part that another worker has locked or claimed is skipped, and this message is handled alone. The
--   claim ends with the lease of this message (p_lease_seconds).
-- Locks: update row of the part (FOR UPDATE SKIP LOCKED), then the session.
-- Returns: jsonb, the session's data; without the note of the part when the part was answered or is being answered.
-- Errors: none.
create or replace function private.claim_held_part(p_session public.bot_sessions, p_lease_seconds integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part bigint := (p_session.session_data -> 'paste' ->> 'update_id')::bigint;
begin
  update public.telegram_updates as t
     set lease_until = private.clock() + make_interval(secs => p_lease_seconds - 60)  -- the sweep waits a minute longer
    from (
      select h.bot, h.update_id
        from public.telegram_updates as h
       where h.bot = p_session.bot and h.update_id = v_part and h.user_id = p_session.user_id and h.status = 'failed'
         for update skip locked
    ) as held
   where t.bot = held.bot and t.update_id = held.update_id;
  if found then
    return p_session.session_data;
  end if;
  update public.bot_sessions as s
     set session_data = s.session_data - 'paste'
   where s.user_id = p_session.user_id and s.bot = p_session.bot and s.chat_id = p_session.chat_id
     and s.thread_id = p_session.thread_id
     and (s.session_data -> 'paste' ->> 'update_id')::bigint = v_part
     and not exists (
       select from public.telegram_updates as t
        where t.bot = p_session.bot and t.update_id = v_part and t.status in ('working', 'failed')
     );
  return p_session.session_data - 'paste';
end
$$;

revoke all on function private.claim_held_part from public, anon, authenticated, service_role;
comment on function private.claim_held_part is 'Keeps the sweep from a held part that the next message takes along';
