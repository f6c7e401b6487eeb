-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   extra_requests: what a served request costs beyond one request (private.charge_extra_requests)
--   ban_notified: the answer tells the user about the ban; of two such updates only the first one's answer is kept
--   conversation_id: the conversation that the messages belong to; without it, the main one of the session. If it was
--     deleted meanwhile, the messages are not stored
--   conversation_name: its name, if it has none yet
--   messenger {conversation_id, takeovers, messages, can_drop}: what the conversation of the messenger shows of the answer
--     (private.record_answers). With can_drop, the answer is dropped where a human took over since the update was received:
--     nothing is sent, remembered or shown, and the request is settled only if a provider charged for it
--   handler_wish: human or bot: the user wants a human of the team, or the bot again, to answer (private.request_human)
--   erase {hash, balance}: erase the user (private.erase_user)
-- p_messages [{role, content, message_id}]: the conversation to store; it replaces rows of an edited message_id in the
-- same conversation. With replace_turn in p_session, the update_id of an answer, its one message takes the place of that
-- answer, which may have left the history meanwhile.
-- p_reservation: settled when a reserved request was served. Otherwise the request is released, unless a provider
-- call was billed, or a provider was called and the releases of the day (setting daily_releases) are used up.
-- p_outgoing: Bot API calls to enqueue. p_usage: the calls to AI providers (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared: a worker that lost its lease changes nothing, and a
--   repeated call after a lost response changes nothing and gets the same answer. Only the worker that finishes
--   records p_usage, so each call counts once. Session data are merged key by key and never written back whole, so a
--   button and a message at once lose nothing. For a user who was erased meanwhile nothing is written.
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), with messenger the conversation, for a first request
--   referrer and user by id, request counters, the held update (FOR UPDATE SKIP LOCKED), session, conversation and messages,
--   counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   follow_up?: outgoing   (finished: the messages of private.on_first_request, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent: the user got it already, or a human answers now)
-- Errors: Y0001 and Y0002, see private.erase_user; K0001 and K0002, see private.change_token.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]',
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_hold interval := make_interval(secs => (p_session ->> 'hold')::double precision);
  v_outgoing jsonb := '[]'::jsonb;
  v_follow_up jsonb := '[]'::jsonb;
  v_conversation bigint := 0;
  v_messenger public.conversations;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(jsonb_agg(o.id order by o.id), '[]'::jsonb) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return jsonb_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.lock_user(v_update, p_session ? 'erase') then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  if p_session ? 'messenger' then
    select c.* into v_messenger
      from public.conversations as c
     where c.id = (p_session -> 'messenger' ->> 'conversation_id')::bigint and c.user_id = v_update.user_id
       for no key update;
    if (p_session -> 'messenger' ->> 'can_drop')::boolean
      and v_messenger.takeovers <> (p_session -> 'messenger' ->> 'takeovers')::integer
    then
      v_answer := null;
      p_outgoing := '[]';
      p_messages := '[]';
      p_reservation := null;
      p_session := p_session - array['replace_turn', 'messenger'];
    end if;
  end if;
  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    p_reservation := case
      when private.has_billed_call(p_usage) then 'settled'
      when private.release_usage(
        v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from, p_usage <> '[]'
      ) then 'released'
      else 'settled'
    end;
  elsif p_reservation = 'settled' then
    v_follow_up := private.on_first_request(v_update.user_id, p_bot, p_update_id);
    if p_session ? 'extra_requests' and v_update.reservation = 'reserved' then
      perform private.charge_extra_requests(v_update, (p_session ->> 'extra_requests')::integer);
    end if;
  end if;
  if p_session ? 'ban_notified' and not private.mark_ban_notified(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  if p_session ? 'finish_held' then
    update public.telegram_updates as t
       set status = 'finished', payload = null, error = null, lease_until = null
      from (
        select h.bot, h.update_id
          from public.telegram_updates as h
         where h.bot = p_bot and h.update_id = (p_session ->> 'finish_held')::bigint
           and h.user_id = v_update.user_id and h.status = 'failed'
           for update skip locked
      ) as held
     where t.bot = held.bot and t.update_id = held.update_id;
  end if;
  perform private.change_session(v_update, p_session, p_reservation, v_now);
  if p_session ? 'replace_turn' then
    update public.messages as m
       set content = case m.role when 'assistant' then p_messages -> 0 ->> 'content' else m.content end,
           update_id = p_update_id,
           claimed_by = null
     where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
       and m.thread_id = v_update.thread_id and m.update_id = (p_session ->> 'replace_turn')::bigint;
    p_messages := '[]';
  end if;
  if p_messages <> '[]' and p_session ? 'conversation_id' then
    v_conversation := private.use_conversation(
      v_update, (p_session ->> 'conversation_id')::bigint, p_session ->> 'conversation_name', v_now
    );
  end if;
  if p_messages <> '[]' and v_conversation is not null then
    if v_update.kind = 'edited_message' then
      delete from public.messages as m
       where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
         and m.thread_id = v_update.thread_id and m.conversation_id = v_conversation
         and m.message_id = (p_messages -> 0 ->> 'message_id')::bigint;
    end if;
    insert into public.messages (
      user_id, bot, chat_id, thread_id, conversation_id, role, content, message_id, created_at, update_id
    )
    select v_update.user_id, p_bot, v_update.chat_id, v_update.thread_id, v_conversation, m.value ->> 'role',
      m.value ->> 'content', (m.value ->> 'message_id')::bigint, v_now, p_update_id
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.enqueue_calls(p_bot, p_update_id, p_outgoing);
  end if;
  if p_session ? 'messenger' and v_messenger.id is not null then
    if p_session ? 'handler_wish' then
      v_messenger := private.request_human(v_messenger, p_session ->> 'handler_wish');
    end if;
    perform private.record_answers(v_messenger, p_session -> 'messenger' -> 'messages', v_outgoing, v_update.lease_until);
  end if;
  update public.telegram_updates as t
     set status = case when v_hold is null then 'finished' else 'failed' end,
         payload = case when v_hold is not null then t.payload end,
         error = null,
         lease_until = v_now + v_hold - interval '1 minute',  -- the sweep waits a minute longer
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = case when v_hold is null then v_answer end
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_user(v_update, p_session -> 'erase');
  end if;
  return jsonb_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'follow_up', v_follow_up,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated, service_role;
grant execute on function public.finish_update to bot_backend;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';
