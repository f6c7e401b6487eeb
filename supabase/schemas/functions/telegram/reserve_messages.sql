-- Reserves the next place of a bot for p_count messages of a job, at the rate that all jobs of the bot share. What ordinary messages
-- of the bot wait in the outbox comes first. Nothing is reserved when the place comes later than p_patience seconds.
--
-- Concurrency: the row is locked, so that places of all jobs follow each other.
-- Locks: pace of the bot.
-- Returns: jsonb
--   is_reserved: boolean
--   wait: float                (seconds until the messages may go out)
-- Errors: none.
create or replace function public.reserve_messages(p_bot text, p_count integer, p_patience double precision)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rate constant double precision := private.setting('message_rate')::double precision;
  v_pace private.bot_pace;
  v_now timestamptz;
  v_wait double precision;
begin
  v_pace := private.lock_pace(p_bot);
  v_now := private.clock();
  v_wait := greatest(extract(epoch from greatest(v_pace.next_at, v_pace.paused_until) - v_now), 0)
    + private.count_waiting(p_bot, v_now, v_rate::integer) / v_rate;
  if v_wait > p_patience then
    return jsonb_build_object('is_reserved', false, 'wait', v_wait);
  end if;
  update private.bot_pace as p
     set next_at = v_now + make_interval(secs => v_wait + p_count / v_rate)
   where p.bot = p_bot;
  return jsonb_build_object('is_reserved', true, 'wait', v_wait);
end
$$;

revoke all on function public.reserve_messages from public, anon, authenticated, service_role;
grant execute on function public.reserve_messages to bot_backend;
comment on function public.reserve_messages is 'Reserves the next place of a bot for messages of a job';
