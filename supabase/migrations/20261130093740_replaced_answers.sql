-- Replaced answers.

alter table public.messages add column claimed_by bigint;

alter table public.messages add column update_id bigint;

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

-- Claims the latest answer of a conversation for an update that replaces or continues it: a tap on a button below the answer.
--
-- p_answer: the update_id that the button names, see messages.update_id. p_conversation: messages.conversation_id of the
-- conversation that the user is in.
--
-- Concurrency: the answer's row is locked, so of two taps at once one gets it; the other gets busy while the first works.
--   A repeated attempt of the same update, and an update after one that failed, get it again. The answer is replaced by
--   public.finish_update, which looks for it anew: the user may clear the history meanwhile.
-- Locks: update row, user (KEY SHARE), answer.
-- Returns: jsonb
--   outcome: 'claimed' | 'busy' | 'elsewhere' | 'old' | 'superseded'
--                          (elsewhere: it belongs to another conversation of this chat; old: it is not the latest
--                          answer of this one, or left the history)
--   question?: text | null (claimed: what the user asked, as the history has it)
--   answer?: text          (claimed)
-- Errors: none.
create or replace function public.claim_turn(
  p_bot text, p_update_id bigint, p_attempt integer, p_answer bigint, p_conversation bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_answer public.messages;
  v_question text;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return jsonb_build_object('outcome', 'superseded');
  elsif not private.lock_user(v_update) then  -- erased concurrently
    return jsonb_build_object('outcome', 'superseded');
  end if;
  select m.* into v_answer
    from public.messages as m
   where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
     and m.thread_id = v_update.thread_id and m.conversation_id = p_conversation
   order by m.id desc
   limit 1
     for update;
  if v_answer.role is distinct from 'assistant' or v_answer.update_id is distinct from p_answer then
    return jsonb_build_object('outcome', case
      when exists (
        select
          from public.messages as m
         where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
           and m.thread_id = v_update.thread_id and m.conversation_id <> p_conversation and m.update_id = p_answer
      ) then 'elsewhere'
      else 'old'
    end);
  end if;
  if v_answer.claimed_by <> p_update_id and exists (
    select
      from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = v_answer.claimed_by and t.status = 'working'
       and t.lease_until > private.clock()
  ) then
    return jsonb_build_object('outcome', 'busy');
  end if;
  update public.messages as m set claimed_by = p_update_id where m.id = v_answer.id;
  select m.content into v_question
    from public.messages as m
   where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
     and m.thread_id = v_update.thread_id and m.conversation_id = p_conversation and m.update_id = p_answer
     and m.role = 'user' and m.id < v_answer.id
   order by m.id desc
   limit 1;
  return jsonb_build_object('outcome', 'claimed', 'question', v_question, 'answer', v_answer.content);
end
$$;

revoke all on function public.claim_turn from public, anon, authenticated, service_role;
grant execute on function public.claim_turn to bot_backend;
comment on function public.claim_turn is 'Claims the latest answer of a conversation to replace or continue it';

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
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), for a first request referrer and user by id,
--   request counters, the held update (FOR UPDATE SKIP LOCKED), session, conversation and messages,
--   counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   follow_up?: outgoing   (finished: the messages of private.on_first_request, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent, because the user got it already)
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

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further. p_answer_tokens: the longest answer, for the cost of a conversation with a model of its own.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     memory_enabled?: boolean | null,
--     ban?: { reason: text | null, notified: boolean } | null
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   conversation?: private.load_conversation | null    (work; null: the main one, without settings)
--   memory?: [ text ] | null                  (facts that the user lets the bot keep; only in the private chat)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   is_old_edit?: boolean  (the user asked another question after the edited one, or it belongs to another conversation)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0,
  p_answer_tokens integer default null
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_conversation jsonb;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_old_edit boolean := false;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  -- In a mode that makes pictures, a text is no question to the AI.
  p_reserve := p_reserve and v_session.mode not like 'image:%';
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
  end if;
  if v_session.session_data ? 'conversation' then
    v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    -- The estimate of p_cost has at least 60,000 characters.
    p_cost := greatest(
      p_cost * (1 + coalesce((v_conversation ->> 'file_characters')::integer, 0) / 60000.0),
      (v_conversation ->> 'cost')::numeric
    );
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
    if v_session.session_data ? 'conversation' then
      v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    end if;
  end if;
  if v_session.session_data ? 'paste' and p_kind in ('message', 'callback_query')
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content, m.conversation_id <> coalesce((v_conversation ->> 'messages_id')::bigint, 0)
      into v_edited_question, v_is_old_edit
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     limit 1;
    v_is_old_edit := coalesce(v_is_old_edit, false) or coalesce((
      select m.message_id > v_edited
        from public.messages as m
       where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
         and m.conversation_id = coalesce((v_conversation ->> 'messages_id')::bigint, 0) and m.role = 'user'
       order by m.id desc
       limit 1
    ), false);
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_session.created_at >= v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'memory_enabled', v_user.memory_enabled,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters, coalesce((v_conversation ->> 'messages_id')::bigint, 0),
        coalesce((v_conversation ->> 'summary_until')::bigint, 0)
      )
      else '[]'::json
    end,
    'conversation', v_conversation,
    'memory', case
      when v_user.memory_enabled and p_history > 0 and p_chat_id > 0 then private.load_memory(v_user.id, p_bot)
    end,
    'edited_question', v_edited_question,
    'is_old_edit', v_is_old_edit
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

comment on column public.messages.claimed_by is 'Update that is replacing this answer (claim_turn)';

comment on column public.messages.update_id is 'Update that this row''s question and answer come from, or that replaced the answer; the buttons below the answer name it';
