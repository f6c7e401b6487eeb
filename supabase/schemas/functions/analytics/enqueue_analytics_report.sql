-- Enqueues the daily report of an admin, of p_day, in a bot that reaches the admin.
--
-- p_parameters: of sendMessage, without chat_id.
--
-- Concurrency: the row is marked first, so a report of a day is sent once.
-- Locks: the admin's row of analytics_reports.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_analytics_report(p_user_id bigint, p_day date, p_parameters jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user record;
begin
  update public.analytics_reports as r
     set sent_on = p_day + 1
   where r.user_id = p_user_id and coalesce(r.sent_on <= p_day, true);
  if not found then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  select u.telegram_id, private.reachable_bot(u.id, u.telegram_id, null) as bot into v_user
    from public.users as u
   where u.id = p_user_id;
  if v_user.bot is null then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  p_parameters := p_parameters || jsonb_build_object('chat_id', v_user.telegram_id);
  return jsonb_build_object(
    'outgoing',
    jsonb_build_array(
      jsonb_build_object(
        'bot', v_user.bot,
        'id', private.enqueue_calls(
          v_user.bot, null, jsonb_build_array(jsonb_build_object('method', 'sendMessage', 'parameters', p_parameters))
        ) -> 0,
        'method', 'sendMessage',
        'parameters', p_parameters
      )
    )
  );
end
$$;

revoke all on function public.enqueue_analytics_report from public, anon, authenticated, service_role;
grant execute on function public.enqueue_analytics_report to bot_backend;
comment on function public.enqueue_analytics_report is 'Enqueues the daily report of an admin';
