-- Records the delivery results of outbox items.
--
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error, message_id, notice}]. message_id is
-- set where the bot has a messenger, whose conversation notes it (private.record_answer_deliveries); notice, where a SQL function
-- enqueued the message, is what the conversation shows of it (private.record_notices). Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot (private.set_blocked). later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up; messages for an admins' chat go to the private chats then (private.return_chat_messages).
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot and their sessions, conversations of the messenger, admins' chats that cannot be
--   reached, then outbox items.
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
  if not p_results @? '$[*] ? (@.outcome != "sent" || exists(@.message_id))' then
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
  perform private.record_answer_deliveries(p_results);
  perform private.record_notices(p_results);
  perform private.return_chat_messages(p_results);
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
