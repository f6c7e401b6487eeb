-- Leases due outbox items of all bots, the oldest first, at most p_limit. An item waits behind an earlier one of the
-- same update and chat that is delayed or being sent, so messages stay in order.
--
-- Concurrency: each item is locked, skipped by other senders, and its send_after moved one minute ahead.
-- Locks: outbox items (FOR UPDATE SKIP LOCKED), by send_after.
-- Returns: jsonb
--   [ { id: bigint, bot: text, update_id: bigint | null, method: text, parameters: jsonb } ]
-- Errors: none.
create or replace function public.claim_outbox(p_limit integer)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select o.id
      from public.telegram_outbox as o
     where o.send_after <= (select private.clock())
       and not exists (
         select from public.telegram_outbox as e
          where e.bot = o.bot and e.update_id = o.update_id and e.chat_id = o.chat_id and e.id < o.id
            and e.send_after > (select private.clock())
       )
     order by o.send_after, o.id
     limit p_limit
       for update skip locked
  ), claimed as (
    update public.telegram_outbox as o
       set send_after = private.clock() + interval '1 minute'
      from due
     where o.id = due.id
    returning o.id, o.bot, o.update_id, o.method, o.parameters
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', c.id, 'bot', c.bot, 'update_id', c.update_id, 'method', c.method, 'parameters', c.parameters
      )
      order by c.id
    ),
    '[]'::jsonb
  )
  from claimed as c;
$$;

revoke all on function public.claim_outbox from public, anon, authenticated, service_role;
grant execute on function public.claim_outbox to bot_backend;
comment on function public.claim_outbox is 'Leases due outbox items';
