-- Large videos.

-- Ends a job without a result: gives back everything that was taken, frees its slot, and enqueues the message that says so,
-- with the buttons of request.buttons.<state>; {id} in them is the job.
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
        else format('generation_%s_%s', p_state, p_job.kind)
      end,
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', case
        when p_cause = 'answered_in_text' then jsonb_build_object('answer', left(p_error, 1000))
        else '{}'::jsonb
      end
    ) || jsonb_strip_nulls(
      jsonb_build_object(
        'message_thread_id', nullif(p_job.thread_id, 0),
        'reply_parameters', case
          when p_job.reply_to is not null
            then jsonb_build_object('message_id', p_job.reply_to, 'allow_sending_without_reply', true)
        end,
        'buttons', replace((p_job.request -> 'buttons' -> p_state)::text, '{id}', p_job.id::text)::jsonb
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

-- Returns what a user asked for with a job, and its files, for making it again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'
--   kind?: 'image' | 'video'                            (found, as all that follows)
--   request?: jsonb
--   state?: text
--   files?: [ { key: text | null, mime: text | null, width: int | null, height: int | null, duration: float | null } ]
--   telegram_files?: [ { kind: text, file_id: text } ]
--   has_originals?: boolean      (the files are still in Storage, setting retention_media_days)
--   kept_days?: int              (that setting)
-- Errors: none.
create or replace function public.get_generation_request(p_user_id bigint, p_bot text, p_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (
        select jsonb_build_object(
            'outcome', 'found', 'kind', g.kind, 'request', g.request, 'state', g.state, 'files', g.files,
            'telegram_files', g.telegram_files,
            'has_originals', g.files <> '[]' and not exists (
              select
                from jsonb_array_elements(g.files) as f
               where not exists (
                 select
                   from public.stored_files as s
                  where s.key = f ->> 'key' and s.status = 'stored' and s.delete_after > (select private.clock())
               )
            ),
            'kept_days', private.setting('retention_media_days')::integer
          )
          from public.generations as g
         where g.id = p_id and g.user_id = p_user_id and g.bot = p_bot
      ),
      jsonb_build_object('outcome', 'unknown')
    );
$$;

revoke all on function public.get_generation_request from public, anon, authenticated, service_role;
grant execute on function public.get_generation_request to bot_backend;
comment on function public.get_generation_request is 'Returns what a user asked for with a job';

-- Files that a bot cannot send are stored and linked to.
do $$
begin
  if to_regclass('storage.buckets') is not null then
    update storage.buckets set file_size_limit = 209715200 where id = 'media';
  end if;
end
$$;
