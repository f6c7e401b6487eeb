-- Leases due jobs, the longest due first, at most p_limit; with p_id only this one, if it is due.
--
-- p_providers: the providers that this deployment serves (a list of keys). Others wait for their deadline.
--
-- Concurrency: jobs that another claim has locked are skipped, and a leased job is not due. A lease that ended without a
--   result is taken over; the number of the new one (attempt) makes the former worker's results void.
-- Locks: jobs by due_at (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   [ {
--     id: bigint, attempt: int, bot: text, chat_id: bigint, thread_id: bigint, reply_to: bigint | null,
--     language: text | null, language_code: text | null, user_id: bigint, telegram_id: bigint,
--     kind: 'image' | 'video', provider: text, model: text, request: jsonb, token: uuid,
--     state: 'reserved' | 'submitted' | 'copied' | 'succeeded' | 'failed' | 'expired', provider_job_id: text | null,
--     submissions: int, polls: int, delivery_failures: int, is_muted: boolean, files: [ jsonb ], seconds: int,
--     poll_seconds: float | null
--   } ]
--                          (failed, expired: a callback announces a late result. is_muted: the user has stopped
--                          waiting. seconds: since it was submitted;
--                          poll_seconds: limits.poll_seconds of the model)
-- Errors: none.
create or replace function public.claim_generations(
  p_providers jsonb, p_limit integer, p_lease_seconds integer, p_id bigint default null
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select g.id
      from public.generations as g
     where g.due_at <= (select private.clock())
       and (g.lease_until is null or g.lease_until <= (select private.clock()))
       and (p_id is null or g.id = p_id)
       and p_providers ? g.provider
     order by g.due_at, g.id
     limit p_limit
       for update skip locked
  ), claimed as (
    update public.generations as g
       set lease_until = private.clock() + make_interval(secs => p_lease_seconds),
           attempt = g.attempt + 1,
           is_nudged = false
      from due
     where g.id = due.id
    returning g.*
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', c.id, 'attempt', c.attempt, 'bot', c.bot, 'chat_id', c.chat_id, 'thread_id', c.thread_id,
        'reply_to', c.reply_to, 'language', u.language, 'language_code', u.language_code, 'user_id', u.id,
        'telegram_id', u.telegram_id, 'kind', c.kind, 'provider', c.provider, 'model', c.model, 'request', c.request, 'token', c.token,
        'state', c.state, 'provider_job_id', c.provider_job_id, 'submissions', c.submissions, 'polls', c.polls,
        'delivery_failures', c.delivery_failures, 'is_muted', c.is_muted, 'files', c.files,
        'seconds', coalesce(extract(epoch from private.clock() - c.submitted_at)::integer, 0),
        'poll_seconds', m.limits -> 'poll_seconds'
      )
      order by c.due_at, c.id
    ),
    '[]'::jsonb
  )
  from claimed as c
  join public.users as u on u.id = c.user_id
  left join public.ai_models as m on m.provider = c.provider and m.model = c.model;
$$;

revoke all on function public.claim_generations from public, anon, authenticated, service_role;
grant execute on function public.claim_generations to bot_backend;
comment on function public.claim_generations is 'Leases due jobs';
