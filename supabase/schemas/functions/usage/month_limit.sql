-- Returns which monthly budget p_cost more US dollars would exceed, and alerts the admins about budgets that are nearly or fully
-- spent. What other questions and jobs in progress may cost is added to what was spent.
--
-- p_day: today in the time zone of the quota. p_update_id: the question's update, whose own reserved cost is left out; null: a
-- job. p_user_limit, p_bot_limit: private.monthly_budget.
--
-- Concurrency: reservations of one user are serialized until the transaction ends. Those of one bot too, near its budget and for
--   jobs; far from it questions only share the lock. 200 questions are more than can be in progress, because Telegram
--   opens at most 100 connections to a bot.
-- Locks: advisory locks of the user and then of the bot, for budgets that are set.
-- Returns: text, 'user_month' | 'bot_month'; null: within both.
-- Errors: 40001, the bot came near its budget while this call waited; a repeated call takes the other lock.
create or replace function private.month_limit(
  p_user_id bigint, p_bot text, p_day date, p_update_id bigint, p_cost numeric, p_user_limit numeric, p_bot_limit numeric
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lock bigint := hashtextextended('month of ' || p_bot, 0);
  v_is_far boolean;
  v_expected numeric;
begin
  if p_user_limit > 0 then
    perform pg_advisory_xact_lock(hashtextextended('month of user ' || p_user_id, 0));
    v_expected := p_cost + (
      select coalesce(sum(m.cost - m.sold_cost), 0)
        from public.monthly_api_usage as m
       where m.user_id = p_user_id and m.month = date_trunc('month', p_day::timestamp)::date and not m.is_user_api_key
    ) + (
      select coalesce(sum(t.reserved_cost), 0)
        from public.telegram_updates as t
       where t.user_id = p_user_id and t.status = (select 'working') and t.lease_until > (select private.clock())
         and (t.bot, t.update_id) is distinct from (p_bot, p_update_id)
    ) + (
      select coalesce(sum(g.max_cost), 0)
        from public.generations as g
       where g.user_id = p_user_id and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    );
    perform private.alert_budget(p_bot, 'user_month', p_day, v_expected, p_user_limit, p_user_id);
    if v_expected > p_user_limit then
      return 'user_month';
    end if;
  end if;

  if p_bot_limit > 0 then
    v_is_far := p_update_id is not null
      and private.bot_month_cost(p_bot, p_day) + private.open_jobs_cost(p_bot) + 400 * p_cost <= p_bot_limit;
    if v_is_far then
      perform pg_advisory_xact_lock_shared(v_lock);
    else
      perform pg_advisory_xact_lock(v_lock);
    end if;
    v_expected := private.bot_month_cost(p_bot, p_day) + private.open_jobs_cost(p_bot) + p_cost;
    if v_is_far and v_expected + 199 * p_cost > p_bot_limit then
      raise exception 'the bot came near its budget' using errcode = '40001';
    elsif not v_is_far then
      v_expected := v_expected + (
        select coalesce(sum(t.reserved_cost), 0)
          from public.telegram_updates as t
         where t.lease_until > (select private.clock()) and t.status in ('working', 'failed') and t.bot = p_bot
           and t.update_id is distinct from p_update_id
      );
    end if;
    perform private.alert_budget(p_bot, 'bot_month', p_day, v_expected, p_bot_limit, p_user_id);
    if v_expected > p_bot_limit then
      return 'bot_month';
    end if;
  end if;
  return null;
end
$$;

revoke all on function private.month_limit from public, anon, authenticated, service_role;
comment on function private.month_limit is 'Returns which monthly budget a call would exceed';
