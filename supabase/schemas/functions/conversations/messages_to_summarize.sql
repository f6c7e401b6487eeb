-- Returns the older part of a conversation that no longer fits into its history; nothing while all of it fits. Of the newest 400
-- messages, at most 200 are summarized at once.
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: record, until (the last message of the part; null: nothing) and messages, [{role, content}], the oldest first.
-- Errors: none.
create or replace function private.messages_to_summarize(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_conversation bigint, p_after bigint,
  p_history integer, p_characters integer, out until bigint, out messages jsonb
)
returns record
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_history integer;
begin
  select least(p_history, l.history_length) into v_history
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
  with newest as (
    select m.id, m.role, m.content,
      row_number() over (order by m.id desc) as position,
      sum(length(m.content)) over (order by m.id desc) as characters
      from (
        select r.id, r.role, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = p_conversation and r.id > p_after
         order by r.id desc
         limit 400
      ) as m
  ), old as (
    select n.id, n.role, n.content
      from newest as n
     where (n.position > v_history / 2 or n.characters > p_characters / 2)
       and exists (select from newest as x where x.position > v_history or x.characters > p_characters)
     order by n.id
     limit 200
  )
  select max(o.id), jsonb_agg(jsonb_build_object('role', o.role, 'content', left(o.content, 4000)) order by o.id)
    into until, messages
    from old as o;
end
$$;

revoke all on function private.messages_to_summarize from public, anon, authenticated, service_role;
comment on function private.messages_to_summarize is 'Returns the older part of a conversation that no longer fits';
