-- Returns whether a bot may spend p_cost more today within its daily cost limit p_limit (US dollars). p_day is today
-- in the time zone of the quota. p_update_id: the question's update, whose own reserved cost is left out.
--
-- Concurrency: far from the limit nothing is locked. Within 200 questions of it, more than can be in progress because
--   Telegram opens at most 100 connections to a bot, calls for the bot are serialized until the transaction ends, and
--   the reserved cost of questions in progress counts too.
-- Locks: near the limit an advisory lock of the bot; the caller holds the update row and the user.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_within_bot_cost_limit(
  p_bot text, p_day date, p_update_id bigint, p_cost numeric, p_limit numeric
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_spent numeric := private.bot_cost(p_bot, p_day);
  v_open numeric;
begin
  if v_spent + 200 * p_cost <= p_limit or v_spent + p_cost > p_limit then
    return v_spent + p_cost <= p_limit;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('cost of ' || p_bot, 0));
  select coalesce(sum(t.reserved_cost), 0) into v_open
    from public.telegram_updates as t
   where t.lease_until > (select private.clock())
     and t.status in ('working', 'failed')
     and t.bot = p_bot
     and t.update_id <> p_update_id;
  return private.bot_cost(p_bot, p_day) + v_open + p_cost <= p_limit;
end
$$;

revoke all on function private.is_within_bot_cost_limit from public, anon, authenticated, service_role;
comment on function private.is_within_bot_cost_limit is 'Returns whether a bot may spend more today within its daily cost limit';
