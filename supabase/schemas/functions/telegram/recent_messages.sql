-- Returns the newest messages of a conversation, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, and those up to p_after, which a
-- summary covers, are left out.
--
-- The result is json: for 50 messages a quarter of the CPU of jsonb, which would be parsed and printed again. One aggregate
-- is cheaper than a loop, and json_agg of rows parses nothing (docs/performance.md).
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: json, [{role, content}]; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint default null,
  p_characters integer default null, p_conversation bigint default 0, p_after bigint default 0
)
returns json
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_items json;
  v_bytes bigint;
begin
  loop
    select json_agg(i order by m.id), sum(octet_length(m.content))
      into v_items, v_bytes
      from (
        select r.id, r.role, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = p_conversation and r.id > p_after
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as m
     cross join lateral (select m.role, m.content) as i;
    -- A text has at most as many characters as bytes, which are known without reading it.
    exit when coalesce(v_bytes <= p_characters, true);
    select count(*) into p_limit
      from (
        select sum(length(r.content)) over (order by r.id desc) as characters
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = p_conversation and r.id > p_after
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as s
     where s.characters <= p_characters;
    p_characters := null;
  end loop;
  return coalesce(v_items, '[]'::json);
end
$$;

revoke all on function private.recent_messages from public, anon, authenticated, service_role;
comment on function private.recent_messages is 'Returns the newest messages of a conversation, oldest first';
