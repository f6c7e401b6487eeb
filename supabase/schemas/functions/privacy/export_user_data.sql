-- Returns all data stored about a user, for that user (/mydata). A long conversation comes in parts: messages after
-- number p_after, oldest first, up to p_bytes of text and at least one. The sections (private.user_data_sections)
-- come with the first part.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   {
--     sections: { [text]: jsonb } | null      (in the first part only: one key a subject, rows as the tables have them,
--                                             without data of other users)
--     messages: [ {
--       bot: text, chat_id: bigint, thread_id: bigint, conversation_id: bigint, role: 'user' | 'assistant', content: text,
--       message_id: bigint | null, created_at: timestamptz
--     } ]                                     (oldest first, after number p_after; p_bytes of text, one message at least)
--     next: bigint | null                     (p_after of the next part; null at the end)
--   } | null                                  (no such user)
-- Errors: none.
create or replace function public.export_user_data(
  p_user_id bigint, p_after bigint default 0, p_bytes integer default 5000000
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages jsonb;
  v_last bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id) then
    return null;
  end if;
  select coalesce(jsonb_agg(to_jsonb(m.message) - array['id', 'user_id', 'update_id', 'claimed_by'] order by m.id), '[]'), max(m.id)
    into v_messages, v_last
    from (
      select r.id, r as message,
        sum(octet_length(r.content)) over (order by r.id) - octet_length(r.content) as bytes_before
        from public.messages as r
       where r.user_id = p_user_id and r.id > p_after
       order by r.id
       limit 20000
    ) as m
   where m.bytes_before < p_bytes;
  return jsonb_build_object(
    'sections', case when p_after = 0 then private.user_data_sections(p_user_id) end,
    'messages', v_messages,
    'next', case
      when exists (select from public.messages as r where r.user_id = p_user_id and r.id > v_last) then v_last
    end
  );
end
$$;

revoke all on function public.export_user_data from public, anon, authenticated, service_role;
grant execute on function public.export_user_data to bot_backend;
comment on function public.export_user_data is 'Returns all data stored about a user';
