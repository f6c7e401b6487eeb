-- Blocks of each bot.

alter table public.bot_sessions add column is_blocked boolean default false not null;

-- Finds a bot that may write to a user: p_bot where the user has a private chat with it, else the one of the latest
-- private chat; never a bot that the user blocks. A message in a group does not allow a bot to write to the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the bot's name; null where no bot may write to the user.
-- Errors: none.
create or replace function private.reachable_bot(p_user_id bigint, p_telegram_id bigint, p_bot text)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select s.bot
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.chat_id = p_telegram_id and not s.is_blocked
   order by s.bot = p_bot desc nulls last, s.updated_at desc
   limit 1;
$$;

revoke all on function private.reachable_bot from public, anon, authenticated, service_role;
comment on function private.reachable_bot is 'Finds a bot that may write to a user';

-- Applies what a handler changed in its session and in the user's preferences.
--
-- p_changes may hold mode, data (keys to set; null removes one), language, price_currency, is_active, referrer_code
-- (private.attach_referral), token (a change of a user API key, private.change_token) and clear_history (true deletes
-- the conversation). public.finish_update handles its other keys.
--
-- Concurrency: the caller holds the update row and calls once. Session data are merged into the row key by key, so
--   two updates of one session lose nothing.
-- Locks: user (where a preference changes), for a referral referrer and user (KEY SHARE), for a key the user (NO KEY
--   UPDATE), then messages and session.
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
    update public.users as u
       set language = coalesce(p_changes ->> 'language', u.language),
           price_currency = coalesce(p_changes ->> 'price_currency', u.price_currency)
     where u.id = p_update.user_id;
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
       and m.thread_id = p_update.thread_id;
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

-- Records the delivery results of outbox items.
--
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error}]. Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot (private.set_blocked). later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up.
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot and their sessions, then outbox items.
-- Returns: jsonb
--   dropped: int           (how many were given up after a day of attempts)
-- Errors: none.
create or replace function public.record_deliveries(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_dropped integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  if not p_results @? '$[*] ? (@.outcome != "sent")' then
    delete from public.telegram_outbox as o
     where o.id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)));
    return '{"dropped": 0}'::jsonb;
  end if;
  v_now := private.clock();
  perform private.set_blocked(b.chat_id, b.bot, true)
    from (
      select distinct o.chat_id, o.bot
        from jsonb_array_elements(p_results) as r (value)
        join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
       where r.value ->> 'outcome' = 'blocked'
       order by o.chat_id, o.bot
    ) as b;
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' in ('sent', 'refused', 'blocked');
  update public.telegram_outbox as o
     set attempts = o.attempts + 1,
         error = left(r.value ->> 'error', 500),
         send_after = v_now + make_interval(
           secs => greatest((r.value ->> 'retry_after')::double precision, least(5 * 2 ^ o.attempts, 3600))
         )
    from jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' = 'later';
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and o.created_at < v_now - interval '24 hours';
  get diagnostics v_dropped = row_count;
  return jsonb_build_object('dropped', v_dropped);
end
$$;

revoke all on function public.record_deliveries from public, anon, authenticated, service_role;
grant execute on function public.record_deliveries to bot_backend;
comment on function public.record_deliveries is 'Records the delivery results of outbox items';

-- Records whether a user blocks a bot. users.is_active is false while the user blocks every bot with which there is a private
-- chat, so that a message still goes out through another bot (private.reachable_bot).
--
-- Concurrency: the user's row is locked, so two bots that are blocked at once see each other's change.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: void
-- Errors: none.
create or replace function private.set_blocked(p_telegram_id bigint, p_bot text, p_is_blocked boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
begin
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for no key update;
  update public.bot_sessions as s
     set is_blocked = p_is_blocked
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = p_telegram_id and s.is_blocked <> p_is_blocked;
  update public.users as u
     set is_active = not p_is_blocked or exists (
       select from public.bot_sessions as s
        where s.user_id = v_user_id and s.chat_id = p_telegram_id and s.bot <> p_bot and not s.is_blocked
     )
   where u.id = v_user_id;
end
$$;

revoke all on function private.set_blocked from public, anon, authenticated, service_role;
comment on function private.set_blocked is 'Records whether a user blocks a bot';

comment on column public.bot_sessions.is_blocked is 'Whether the user blocks the bot; only in a private chat (chat_id is the user''s Telegram id)';

comment on column public.users.is_active is 'False: the user blocks every bot with which there is a private chat (private.set_blocked)';
