-- Does what is due in conversations: gives those back to the bot whose time with a human is over, shows snoozed ones again, and
-- forgets who had one open.
--
-- p_notice: text by language for users whose conversation the bot handles again.
--
-- Concurrency: conversations that are locked at the moment are left to the next run.
-- Locks: conversations (FOR UPDATE SKIP LOCKED), by id.
-- Returns: jsonb
--   returned: int
--   woken: int
-- Errors: none.
create or replace function public.run_messenger(p_notice jsonb, p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_conversation public.conversations;
  v_returned integer := 0;
  v_woken integer;
begin
  for v_conversation in
    with due as (
      select c.id
        from public.conversations as c
       where c.handler_until <= v_now
       order by c.id
       limit p_limit
         for update skip locked
    )
    select c.* from public.conversations as c join due on due.id = c.id
  loop
    perform private.switch_handler(v_conversation, 'bot', null);
    perform private.add_conversation_event(v_conversation.id, null, 'returned');
    perform private.queue_notice(v_conversation.id, p_notice);
    v_returned := v_returned + 1;
  end loop;
  with due as (
    select c.id
      from public.conversations as c
     where c.snoozed_until <= v_now
     order by c.id
     limit p_limit
       for update skip locked
  )
  update public.conversations as c
     set snoozed_until = null, changed_xid = pg_current_xact_id()
    from due
   where c.id = due.id;
  get diagnostics v_woken = row_count;
  delete from public.conversation_presence as p where p.seen_until < v_now - interval '1 minute';
  return jsonb_build_object('returned', v_returned, 'woken', v_woken);
end
$$;

revoke all on function public.run_messenger from public, anon, authenticated, service_role;
grant execute on function public.run_messenger to bot_backend;
comment on function public.run_messenger is 'Does what is due in conversations';
