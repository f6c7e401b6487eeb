-- Stores Bot API calls in the outbox. The caller has a minute to deliver them before the sweep does.
--
-- Concurrency: the caller holds the update row and stores its calls once.
-- Locks: none.
-- Returns: jsonb, list of their ids, in order.
-- Errors: none.
create or replace function private.enqueue_calls(p_bot text, p_update_id bigint, p_calls jsonb)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with stored as (
    insert into public.telegram_outbox as o (bot, chat_id, update_id, method, parameters, send_after)
    select
      p_bot,
      (c.value -> 'parameters' ->> 'chat_id')::bigint,
      p_update_id,
      c.value ->> 'method',
      c.value -> 'parameters',
      private.clock() + interval '1 minute'
    from jsonb_array_elements(p_calls) with ordinality as c (value, position)
    order by c.position
    returning o.id
  )
  select coalesce(jsonb_agg(s.id order by s.id), '[]'::jsonb) from stored as s;
$$;

revoke all on function private.enqueue_calls from public, anon, authenticated, service_role;
comment on function private.enqueue_calls is 'Stores Bot API calls in the outbox';
