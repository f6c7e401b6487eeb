-- Applies what a handler changed in its session and in the user's preferences.
--
-- p_changes may hold mode, data (keys to set; null removes one), language, price_currency, is_active, referrer_code
-- (private.attach_referral), token (a change of a user API key, private.change_token), clear_history (true deletes
-- the messages of the conversation), conversation_id (the conversation that the update belongs to; without it, the main one)
-- and drop_model (true makes that conversation use the standard model). public.finish_update handles its other keys.
--
-- Concurrency: the caller holds the update row and calls once. Session data are merged into the row key by key, so
--   two updates of one session lose nothing.
-- Locks: user (where a preference changes), for a referral referrer and user (KEY SHARE), for a key the user (NO KEY
--   UPDATE), then messages, conversation and session.
-- Returns: void
-- Errors: those of private.change_token.
create or replace function private.change_session(
  p_update public.telegram_updates, p_changes jsonb, p_reservation text, p_now timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_changes ? 'is_active' then
    perform private.set_blocked(p_update.chat_id, p_update.bot, not (p_changes ->> 'is_active')::boolean);
  end if;
  if p_changes ?| array['language', 'price_currency'] then
    perform public.set_preferences(p_update.user_id, p_changes ->> 'language', p_changes ->> 'price_currency');
  end if;
  if p_changes ? 'referrer_code' then
    perform private.attach_referral(p_update.user_id, p_changes ->> 'referrer_code');
  end if;
  if p_changes ? 'token' then
    perform private.change_token(p_update.user_id, p_changes -> 'token');
  end if;
  if (p_changes ->> 'clear_history')::boolean then
    delete from public.messages as m
     where m.user_id = p_update.user_id and m.bot = p_update.bot and m.chat_id = p_update.chat_id
       and m.thread_id = p_update.thread_id
       and m.conversation_id = case
         when p_changes ? 'conversation_id' then (
           select case when c.is_main then 0 else c.id end
             from public.ai_conversations as c
            where c.id = (p_changes ->> 'conversation_id')::bigint
         )
         else 0
       end;
    update public.ai_conversations as c
       set summary = null, summary_until = null, summary_claim = null
     where case
       when p_changes ? 'conversation_id' then c.id = (p_changes ->> 'conversation_id')::bigint
       else c.is_main
     end
       and c.user_id = p_update.user_id and c.bot = p_update.bot and c.chat_id = p_update.chat_id
       and c.thread_id = p_update.thread_id and (c.summary is not null or c.summary_claim is not null);
  end if;
  if (p_changes ->> 'drop_model')::boolean then
    update public.ai_conversations as c
       set model = null
     where c.id = (p_changes ->> 'conversation_id')::bigint and c.user_id = p_update.user_id;
  end if;
  update public.bot_sessions as s
     set mode = coalesce(p_changes ->> 'mode', s.mode),
         session_data = case
           when p_changes ? 'data' then (s.session_data || (p_changes -> 'data')) - array(
             select d.key from jsonb_each(p_changes -> 'data') as d where d.value = 'null'
           )
           else s.session_data
         end,
         stats_data = case
           when p_reservation = 'settled' then s.stats_data || jsonb_build_object(
             'requests', coalesce((s.stats_data ->> 'requests')::bigint, 0) + 1
           )
           else s.stats_data
         end,
         last_update_id = case
           when p_update.kind in ('message', 'edited_message') then p_update.update_id
           else s.last_update_id
         end,
         updated_at = p_now
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id
     and s.thread_id = p_update.thread_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated, service_role;
comment on function private.change_session is 'Applies what a handler changed in its session';
