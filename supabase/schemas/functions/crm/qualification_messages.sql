-- Returns what a qualification reads of a conversation: the newest messages of the user and the AI's answers, as text.
-- Notes, messages of the team, menus of the bot, taps, commands, media and forwarded messages are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table, the oldest first.
-- Errors: none.
create or replace function private.qualification_messages(p_conversation_id bigint, p_limit integer)
returns table (id bigint, seq bigint, source text, body text, created_at timestamptz)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select r.id, r.seq, r.source, r.body, r.created_at
    from (
      select m.id, m.seq, m.source, m.body, m.created_at
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.kind = 'text' and m.source in ('user', 'ai')
         and m.deleted_at is null and m.body <> '' and not starts_with(m.body, '/')
         and not coalesce((m.media ->> 'is_forwarded')::boolean, false)
       order by m.seq desc
       limit p_limit
    ) as r
   order by r.seq;
$$;

revoke all on function private.qualification_messages from public, anon, authenticated, service_role;
comment on function private.qualification_messages is 'What a qualification reads of a conversation';
