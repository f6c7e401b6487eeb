-- Hands out updates whose worker crashed or failed and that Telegram did not redeliver within a minute, the longest
-- waiting first. p_bots: a JSON list of bot names; null for all.
--
-- Concurrency: an update moves to the end of the queue when it is handed out, so one that can never be finished does
--   not block the others. The lease decides which worker processes it.
-- Locks: update rows (FOR UPDATE SKIP LOCKED), by lease_until.
-- Returns: jsonb
--   [ { bot: text, update_id: bigint, payload: jsonb } ]   (longest waiting first)
-- Errors: none.
create or replace function public.stale_updates(p_limit integer, p_bots jsonb default null)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with stale as (
    select t.bot, t.update_id, t.lease_until
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < (select private.clock()) - interval '1 minute'
       and (p_bots is null or p_bots ? t.bot)
     order by t.lease_until
     limit p_limit
       for update skip locked
  ), moved as (
    update public.telegram_updates as t
       set lease_until = private.clock()
      from stale as s
     where t.bot = s.bot and t.update_id = s.update_id
    returning t.bot, t.update_id, t.payload, s.lease_until as waiting_since
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object('bot', m.bot, 'update_id', m.update_id, 'payload', m.payload)
      order by m.waiting_since
    ),
    '[]'::jsonb
  )
  from moved as m;
$$;

revoke all on function public.stale_updates from public, anon, authenticated, service_role;
grant execute on function public.stale_updates to bot_backend;
comment on function public.stale_updates is 'Hands out updates whose worker crashed or failed';
