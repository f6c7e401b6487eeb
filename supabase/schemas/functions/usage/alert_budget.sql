-- Alerts the admins, once a month for each bot and budget, that 80 % of it is spent, and once that it is used up. p_kind:
-- user_month (the first user of the month) or bot_month. p_expected: the dollars spent and reserved, with those asked for.
--
-- Concurrency: of two calls at once the second finds the first one's row and sends no alert.
-- Locks: a row of budget_alerts, only for the first alert.
-- Returns: void
-- Errors: none.
create or replace function private.alert_budget(
  p_bot text, p_kind text, p_day date, p_expected numeric, p_limit numeric, p_user_id bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_month date := date_trunc('month', p_day::timestamp)::date;
  v_percent integer := case when p_expected > p_limit then 100 else 80 end;
begin
  -- Read first, because a conflict would write a row version for every stopped message.
  if p_expected < p_limit * 0.8 or exists (
    select from private.budget_alerts as a
     where a.bot = p_bot and a.kind = p_kind and a.month = v_month and a.percent >= v_percent
  ) then
    return;
  end if;
  insert into private.budget_alerts (bot, kind, month, percent) values (p_bot, p_kind, v_month, v_percent)
  on conflict (bot, kind, month, percent) do nothing;
  if found then
    perform private.notify_admins(
      case
        when p_kind = 'user_month' and v_percent = 80 then 'admin_alert_user_month_80'
        when p_kind = 'user_month' then 'admin_alert_user_month_100'
        when v_percent = 80 then 'admin_alert_bot_month_80'
        else 'admin_alert_bot_month_100'
      end,
      jsonb_build_object(
        'bot', p_bot,
        'limit', p_limit::text,
        'user', (select u.telegram_id from public.users as u where u.id = p_user_id)
      ),
      p_bot => p_bot
    );
  end if;
end
$$;

revoke all on function private.alert_budget from public, anon, authenticated, service_role;
comment on function private.alert_budget is 'Alerts the admins once that a monthly budget is nearly or fully spent';
