-- Records what a call to the AI that helped an operator cost: in the budget of its day, and as a call of that operator.
--
-- p_cost: as in public.begin_assistance. p_usage: see private.record_usage.
--
-- Concurrency: the caller calls once per public.begin_assistance; without it, the budget of the day keeps the most that it may cost.
-- Locks: actor (KEY SHARE), the bot's row of assistance_days, then as private.record_usage.
-- Returns: jsonb
--   outcome: 'recorded'
-- Errors: none.
create or replace function public.finish_assistance(p_actor_id bigint, p_bot text, p_day date, p_cost numeric, p_usage jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_call public.telegram_updates;
begin
  perform from public.users as u where u.id = p_actor_id for key share;
  update public.assistance_days as d
     set cost = greatest(
           d.cost - p_cost
           + (select coalesce(sum(private.usage_cost(u.value ->> 'cost')), 0) from jsonb_array_elements(p_usage) as u),
           0
         )
   where d.bot = p_bot and d.day = p_day;
  v_call.user_id := p_actor_id;
  v_call.bot := p_bot;
  v_call.update_id := p_actor_id;
  perform private.record_usage(v_call, p_usage, false);
  return jsonb_build_object('outcome', 'recorded');
end
$$;

revoke all on function public.finish_assistance from public, anon, authenticated, service_role;
grant execute on function public.finish_assistance to bot_backend;
comment on function public.finish_assistance is 'Records what help of the AI for an operator cost';
