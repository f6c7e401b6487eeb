-- Moves the sessions, conversations and running quiz of a group to the supergroup that it became. Telegram reports both ids,
-- once in each chat. Updates in progress move with their chat, so what they commit is found in the new one. A session that
-- the supergroup already has, because its first message can arrive before the report, is kept and gets what it lacks.
--
-- Concurrency: a second call finds nothing left to move.
-- Locks: open updates of the group (FOR UPDATE) by bot and update_id, its users (KEY SHARE) by id, then their
--   sessions and conversations, then the running quiz and the settings of
--   the admins' chats.
-- Returns: jsonb
--   sessions: int          (how many were moved)
-- Errors: none.
create or replace function public.migrate_chat(p_old bigint, p_new bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_moved bigint;
begin
  if p_old = p_new then
    return jsonb_build_object('sessions', 0);
  end if;
  update public.telegram_updates as t
     set chat_id = p_new
    from (
      select o.bot, o.update_id
        from public.telegram_updates as o
       where o.status in ('working', 'failed') and o.chat_id = p_old
       order by o.bot, o.update_id
         for update
    ) as open_update
   where t.bot = open_update.bot and t.update_id = open_update.update_id;
  perform from public.users as u
    where u.id in (select s.user_id from public.bot_sessions as s where s.chat_id = p_old and s.chat_id < 0)
    order by u.id
      for key share;

  with moved as (
    delete from public.bot_sessions as s
     where s.chat_id = p_old and s.chat_id < 0
    returning s.*
  ), talk as (
    update public.messages as m
       set chat_id = p_new
      from moved as o
     where m.user_id = o.user_id and m.bot = o.bot and m.chat_id = p_old and m.thread_id = o.thread_id
  ), kept as (
    insert into public.bot_sessions as s
      (user_id, bot, chat_id, thread_id, mode, session_data, stats_data, last_update_id, created_at, updated_at)
    select o.user_id, o.bot, p_new, o.thread_id, o.mode, o.session_data, o.stats_data, o.last_update_id, o.created_at, o.updated_at
      from moved as o
    on conflict (user_id, bot, chat_id, thread_id) do update
      set mode = case when s.mode = 'chat' then excluded.mode else s.mode end,
          session_data = excluded.session_data || s.session_data,
          stats_data = excluded.stats_data || s.stats_data || jsonb_build_object(
            'requests',
            coalesce((excluded.stats_data ->> 'requests')::bigint, 0) + coalesce((s.stats_data ->> 'requests')::bigint, 0)
          ),
          last_update_id = greatest(s.last_update_id, excluded.last_update_id),
          created_at = least(s.created_at, excluded.created_at)
  )
  select count(*) into v_moved from moved;
  -- The supergroup's own main conversation stays.
  delete from public.ai_conversations as c
   where c.chat_id = p_old and c.chat_id < 0 and c.is_main
     and exists (
       select
         from public.ai_conversations as o
        where o.user_id = c.user_id and o.bot = c.bot and o.chat_id = p_new and o.thread_id = c.thread_id and o.is_main
     );
  update public.ai_conversations as c set chat_id = p_new where c.chat_id = p_old and c.chat_id < 0;
  update public.quiz_rounds as r
     set chat_id = p_new
   where r.chat_id = p_old
     and r.summarized_at is null
     and not exists (
       select
         from public.quiz_rounds as o
        where o.bot = r.bot and o.chat_id = p_new and o.thread_id = r.thread_id and o.summarized_at is null
     );
  perform private.move_admin_chats(p_old, p_new);
  return jsonb_build_object('sessions', v_moved);
end
$$;

revoke all on function public.migrate_chat from public, anon, authenticated, service_role;
grant execute on function public.migrate_chat to bot_backend;
comment on function public.migrate_chat is 'Moves the sessions of a group to the supergroup that it became';
