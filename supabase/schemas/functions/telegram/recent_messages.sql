-- Returns the newest messages of a session, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, are left out.
--
-- Concurrency: read-only, over messages_session_idx.
-- Locks: none.
-- Returns: jsonb, [{role, content}]; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint default null,
  p_characters integer default null
)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(jsonb_build_object('role', m.role, 'content', m.content) order by m.id), '[]'::jsonb
  )
  from (
    select r.id, r.role, r.content, sum(length(r.content)) over (order by r.id desc rows unbounded preceding) as size
      from public.messages as r
     where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
       and (p_without is null or r.message_id is distinct from p_without)
     order by r.id desc
     limit p_limit
  ) as m
 where p_characters is null or m.size <= p_characters;
$$;

revoke all on function private.recent_messages from public, anon, authenticated, service_role;
comment on function private.recent_messages is 'Returns the newest messages of a session, oldest first';
