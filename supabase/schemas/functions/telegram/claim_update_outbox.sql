-- Leases the outbox items of one finished update that are due. An item waits behind an earlier one of the same update
-- and chat that is delayed or being sent, so messages stay in order.
--
-- Concurrency: each item is locked and its send_after moved one minute ahead, so no other sender takes it meanwhile.
-- Locks: outbox items of the update (FOR UPDATE SKIP LOCKED), by id.
-- Returns: jsonb, [{id, method, parameters}] in order; null when none is due.
-- Errors: none.
create or replace function private.claim_update_outbox(p_bot text, p_update_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select o.id
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id and o.send_after <= private.clock()
       and not exists (
         select from public.telegram_outbox as e
          where e.bot = o.bot and e.update_id = o.update_id and e.chat_id = o.chat_id and e.id < o.id
            and e.send_after > private.clock()
       )
     order by o.id
       for update skip locked
  ), claimed as (
    update public.telegram_outbox as o
       set send_after = private.clock() + interval '1 minute'
      from due
     where o.id = due.id
    returning o.id, o.method, o.parameters
  )
  select jsonb_agg(
    jsonb_build_object('id', c.id, 'method', c.method, 'parameters', c.parameters) order by c.id
  )
  from claimed as c;
$$;

revoke all on function private.claim_update_outbox from public, anon, authenticated, service_role;
comment on function private.claim_update_outbox is 'Leases the due outbox items of one finished update';
