-- Enqueues the deletion of the message that said that a job is in progress.
--
-- Concurrency: the caller has locked the job and ends it once.
-- Locks: none.
-- Returns: jsonb, a list with the enqueued call (outgoing); empty when the message is not known.
-- Errors: none.
create or replace function private.delete_status_message(p_job public.generations)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_parameters jsonb := jsonb_build_object('chat_id', p_job.chat_id, 'message_id', p_job.status_message_id);
begin
  if p_job.status_message_id is null then
    return '[]'::jsonb;
  end if;
  return jsonb_build_array(
    jsonb_build_object(
      'bot', p_job.bot,
      'id', (private.enqueue_calls(
        p_job.bot, null, jsonb_build_array(jsonb_build_object('method', 'deleteMessage', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'deleteMessage',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.delete_status_message from public, anon, authenticated, service_role;
comment on function private.delete_status_message is 'Enqueues the deletion of a job''s status message';
