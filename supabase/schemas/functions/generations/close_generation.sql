-- Ends a job without a result: gives back everything that was taken, frees its slot, and enqueues the message that says so,
-- with the buttons of request.buttons.<state>; {id} in them is the job. A cause that begins with user_key_ is a text of its own,
-- about the provider request.user_api_key, with the buttons of request.buttons.user_key.
--
-- Concurrency: the caller has locked the job and its user, and the job is not over.
-- Locks: as private.release_generation.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.close_generation(p_job public.generations, p_state text, p_cause text, p_error text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_parameters jsonb;
  v_outgoing jsonb := private.delete_status_message(p_job);
  v_is_user_key boolean := coalesce(starts_with(p_cause, 'user_key_'), false);
begin
  perform private.release_generation(p_job);
  update public.generations as g
     set state = p_state,
         cause = p_cause,
         error = coalesce(left(p_error, 1000), g.error),
         slot = null,
         usage = null,
         due_at = null,
         lease_until = null,
         ended_at = v_now,
         delete_at = private.generation_end(v_now)
   where g.id = p_job.id;
  if p_state = 'canceled' then
    return v_outgoing;
  end if;
  select jsonb_build_object(
      'chat_id', p_job.chat_id,
      'key', case
        when p_cause = 'answered_in_text' then 'generation_answered'
        when p_cause = 'too_large' then 'generation_too_large'
        when v_is_user_key then format('generation_%s', p_cause)
        else format('generation_%s_%s', p_state, p_job.kind)
      end,
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', case
        when p_cause = 'answered_in_text' then jsonb_build_object('answer', left(p_error, 1000))
        when v_is_user_key then jsonb_build_object('name', p_job.request ->> 'user_api_key')
        else '{}'::jsonb
      end
    ) || jsonb_strip_nulls(
      jsonb_build_object(
        'message_thread_id', nullif(p_job.thread_id, 0),
        'reply_parameters', case
          when p_job.reply_to is not null
            then jsonb_build_object('message_id', p_job.reply_to, 'allow_sending_without_reply', true)
        end,
        'buttons', replace(
          (p_job.request -> 'buttons' -> case when v_is_user_key then 'user_key' else p_state end)::text,
          '{id}', p_job.id::text
        )::jsonb,
        'disable_notification', nullif(p_job.is_muted, false)
      )
    )
    into v_parameters
    from public.users as u
   where u.id = p_job.user_id;
  return v_outgoing || jsonb_build_array(
    jsonb_build_object(
      'bot', p_job.bot,
      'id', (private.enqueue_calls(
        p_job.bot, null, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'template',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.close_generation from public, anon, authenticated, service_role;
comment on function private.close_generation is 'Ends a job without a result';
