-- Enqueues the messages of reminders that are due, at most p_limit, late ones too. A reminder stays for 30 days, for its
-- buttons. Reminders of users who are banned or blocked the bot are deleted.
--
-- Concurrency: a reminder is locked, skipped by other runs, and marked as sent in the transaction that enqueues its message.
-- Locks: reminders (FOR UPDATE SKIP LOCKED), by due_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_due_reminders(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select r.id, r.user_id, r.bot, r.words,
           u.banned_at is null and u.is_active and not exists (
             select
               from public.bot_sessions as s
              where s.user_id = u.id and s.bot = r.bot and s.chat_id = u.telegram_id and s.is_blocked
           ) as is_reachable
      from public.reminders as r
      join public.users as u on u.id = r.user_id
     where r.sent_at is null and r.due_at <= v_now
     order by r.due_at, r.id
     limit p_limit
       for update of r skip locked
  loop
    v_checked := v_checked + 1;
    if not v_due.is_reachable then
      delete from public.reminders as r where r.id = v_due.id;
      continue;
    end if;
    update public.reminders as r set sent_at = v_now, asked_at = null where r.id = v_due.id;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_due.user_id, v_due.bot, 'remind_due', jsonb_build_object('words', v_due.words),
      jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'remind_button_ask', 'data', 'remind:ask:' || v_due.id)),
        jsonb_build_array(
          jsonb_build_object('key', 'remind_button_hour', 'data', 'remind:hour:' || v_due.id),
          jsonb_build_object('key', 'remind_button_tomorrow', 'data', 'remind:tomorrow:' || v_due.id)
        )
      )
    );
  end loop;
  with old as (
    select r.id
      from public.reminders as r
     where r.sent_at < v_now - interval '30 days'
     order by r.sent_at
     limit p_limit
       for update skip locked
  )
  delete from public.reminders as r
   using old
   where r.id = old.id;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_due_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_due_reminders to bot_backend;
comment on function public.enqueue_due_reminders is 'Enqueues the messages of reminders that are due';
