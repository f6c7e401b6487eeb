-- Stores Bot API calls in the outbox. The caller has a minute to deliver them before the sweep does.
--
-- Concurrency: the caller holds the update row and stores its calls once.
-- Locks: none.
-- Returns: jsonb, list of their ids, in order.
-- Errors: none.
create or replace function private.enqueue_calls(p_bot text, p_update_id bigint, p_calls jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_call jsonb;
  v_id bigint;
  v_ids jsonb := '[]'::jsonb;
begin
  for v_index in 0 .. jsonb_array_length(p_calls) - 1 loop
    v_call := p_calls -> v_index;
    insert into public.telegram_outbox as o (bot, chat_id, update_id, method, parameters, send_after, created_at)
    values (
      p_bot, (v_call -> 'parameters' ->> 'chat_id')::bigint, p_update_id, v_call ->> 'method',
      v_call -> 'parameters', v_now + interval '1 minute', v_now
    )
    returning o.id into v_id;
    v_ids := v_ids || to_jsonb(v_id);
  end loop;
  return v_ids;
end
$$;

revoke all on function private.enqueue_calls from public, anon, authenticated, service_role;
comment on function private.enqueue_calls is 'Stores Bot API calls in the outbox';
