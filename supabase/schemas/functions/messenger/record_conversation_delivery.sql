-- Records how the delivery of a claimed message ended.
--
-- p_outcome: sent; failed (p_error: blocked, deactivated, or Telegram's words); later (queued again, after p_retry_after seconds:
-- Telegram took it for certain not); unknown (Telegram's answer was lost: it may have arrived). p_media: the file of a sent
-- message, with Telegram's ids.
--
-- Concurrency: only the holder of p_lease records; also after the lease ran out, unless the message was queued again since.
-- Locks: user (KEY SHARE; NO KEY UPDATE for one who blocked the bot), conversation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
-- Errors: none.
create or replace function public.record_conversation_delivery(p_message_id bigint,
  p_lease uuid,
  p_outcome text,
  p_telegram_message_id bigint default null,
  p_error text default null,
  p_retry_after double precision default 0,
  p_media jsonb default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_chat record;
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  select u.telegram_id, c.bot, c.id, c.user_id into v_chat
    from public.conversation_messages as m
    join public.conversations as c on c.id = m.conversation_id
    join public.users as u on u.id = c.user_id
   where m.id = p_message_id;
  if not found then
    return '{"outcome": "superseded"}'::jsonb;
  end if;
  if p_outcome = 'failed' and p_error in ('blocked', 'deactivated') then
    perform private.set_blocked(v_chat.telegram_id, v_chat.bot, true);
  else
    perform from public.users as u where u.id = v_chat.user_id for key share;
  end if;
  select c.* into v_conversation from public.conversations as c where c.id = v_chat.id for update;
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if v_message.lease is distinct from p_lease or v_message.status not in ('sending', 'unknown') then
    return '{"outcome": "superseded"}'::jsonb;
  end if;
  update public.conversation_messages as m
     set status = case p_outcome when 'later' then 'queued' else p_outcome end,
         error = case p_outcome when 'sent' then null when 'later' then coalesce(left(p_error, 500), 'later') else left(p_error, 500) end,
         send_after = case p_outcome when 'later' then private.clock() + make_interval(secs => p_retry_after) else m.send_after end,
         telegram_message_id = coalesce(p_telegram_message_id, m.telegram_message_id),
         media = coalesce(m.media || p_media, p_media, m.media) - case when p_outcome = 'sent' then 'upload' else '' end,
         lease = case p_outcome when 'unknown' then m.lease end,
         lease_until = null,
         version = private.touch_conversation(m.conversation_id)
   where m.id = p_message_id;
  update public.conversations as c
     set unreachable = case when p_outcome = 'sent' then null when p_error in ('blocked', 'deactivated') then p_error else c.unreachable end,
         waiting_since = case
           when p_outcome in ('failed', 'unknown') and v_message.source = 'staff' and not exists (
             select
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.seq > c.last_in_seq and m.direction = 1 and m.status in ('sent', 'queued', 'sending')
                and m.source = 'staff'
           ) then coalesce(c.waiting_since, (
             select m.created_at
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.seq = c.last_in_seq
           ))
           else c.waiting_since
         end
   where c.id = v_conversation.id and p_outcome <> 'later';
  return '{"outcome": "recorded"}'::jsonb;
end
$$;

revoke all on function public.record_conversation_delivery from public, anon, authenticated, service_role;
grant execute on function public.record_conversation_delivery to bot_backend;
comment on function public.record_conversation_delivery is 'Records how the delivery of a claimed message ended';
