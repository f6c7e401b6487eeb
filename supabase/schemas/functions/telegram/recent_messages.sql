-- Returns the newest messages of a session, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, are left out.
--
-- The result is json and built as text: for 50 messages a quarter of the CPU of jsonb, which would be parsed and printed
-- again (docs/performance.md).
--
-- Concurrency: read-only, over messages_session_idx.
-- Locks: none.
-- Returns: json, [{role, content}]; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint default null,
  p_characters integer default null
)
returns json
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_message record;
  v_items text;
begin
  for v_message in
    select r.role, r.content
      from public.messages as r
     where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
       and (p_without is null or r.message_id is distinct from p_without)
     order by r.id desc
     limit p_limit
  loop
    p_characters := p_characters - length(v_message.content);
    exit when p_characters < 0;
    v_items := concat_ws(
      ', ',
      '{"role": "' || v_message.role || '", "content": ' || to_json(v_message.content) || '}',
      v_items
    );
  end loop;
  return ('[' || coalesce(v_items, '') || ']')::json;
end
$$;

revoke all on function private.recent_messages from public, anon, authenticated, service_role;
comment on function private.recent_messages is 'Returns the newest messages of a session, oldest first';
