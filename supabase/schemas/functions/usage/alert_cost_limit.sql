-- Alerts the admins, once a day for each bot and kind of limit, that a daily cost limit stopped questions. p_kind:
-- user_cost (the first user of the day who reached the limit of a user) or bot_cost.
--
-- Concurrency: of two calls at once the second finds the first one's row and sends no alert.
-- Locks: the row of cost_alerts, only for the first alert of a day.
-- Returns: void
-- Errors: none.
create or replace function private.alert_cost_limit(p_bot text, p_day date, p_kind text, p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Read first, because a conflict would write a row version for every stopped message.
  if exists (select from private.cost_alerts as c where c.bot = p_bot and c.kind = p_kind and c.day >= p_day) then
    return;
  end if;
  insert into private.cost_alerts (bot, kind, day) values (p_bot, p_kind, p_day)
  on conflict (bot, kind) do update set day = excluded.day where cost_alerts.day < excluded.day;
  if not found then
    return;
  end if;
  perform private.notify_admins(
    case p_kind when 'user_cost' then 'admin_alert_user_cost' else 'admin_alert_bot_cost' end,
    jsonb_build_object(
      'bot', p_bot,
      'limit', private.setting(case p_kind when 'user_cost' then 'daily_cost_user' else 'daily_cost_bot' end),
      'user', (select s.telegram_id from public.users as s where s.id = p_user_id)
    ),
    p_bot => p_bot
  );
end
$$;

revoke all on function private.alert_cost_limit from public, anon, authenticated, service_role;
comment on function private.alert_cost_limit is 'Alerts the admins once a day that a daily cost limit stopped questions';
