-- Stop waiting.

alter table public.generations add column is_muted boolean default false not null;

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

-- Lets a user stop waiting for a job that its provider already works on and that cannot be taken back. The job goes on at its
-- price, and what comes of it is sent without sound. It frees its place for the next order, unless the user has stopped waiting
-- for another job in the same place that still runs.
--
-- Concurrency: the job and its user are locked. A repeated call changes nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'muted' | 'ready' | 'unknown'   (ready: the result is on its way; unknown: there is no such job, or it is over)
--   outgoing?: outgoing    (muted: the deletion of the status message)
-- Errors: none.
create or replace function public.mute_generation(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
begin
  if v_job.id is null or v_job.user_id <> p_user_id then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_job.state in ('copied', 'succeeded') and v_job.ended_at is null then
    return jsonb_build_object('outcome', 'ready');
  elsif v_job.state not in ('submitting', 'submitted') then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  update public.generations as g
     set is_muted = true,
         status_message_id = null,
         slot = case
           when g.slot < 0 or exists (
             select from public.generations as o
              where o.user_id = g.user_id and o.kind = g.kind and o.slot = -g.slot
                and o.state in ('reserved', 'submitting', 'submitted', 'copied')
           ) then g.slot
           else -g.slot
         end
   where g.id = p_id;
  return jsonb_build_object('outcome', 'muted', 'outgoing', private.delete_status_message(v_job));
end
$$;

revoke all on function public.mute_generation from public, anon, authenticated, service_role;
grant execute on function public.mute_generation to bot_backend;
comment on function public.mute_generation is 'Lets a user stop waiting for a job';

-- Reserves a job and takes its price, which is the most that it can cost its user.
--
-- p_request: prompt, references and options, as the provider gets them. p_requests or p_amount: the price in requests, or in
-- the currency of the balance; the user was shown it. p_max_cost: the US dollars that stand behind the price; when the
-- provider charges less, the price shrinks in proportion. Null: it does not. p_update_id: the update that asks.
--
-- Concurrency: the user's row is locked, and the reference is unique. Of parallel calls one gets each free slot (setting
--   generations_in_progress), and the others get the job in progress. A repeated reference gets its job and takes nothing.
-- Locks: user (NO KEY UPDATE), then as private.generation_cost_limit and private.take_generation_price.
-- Returns: jsonb
--   outcome: 'reserved' | 'known' | 'unfinished' | 'refused' | 'no_balance' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month' | 'too_many_refusals'     (refused: no requests left; in_progress: questions to the AI)
--   generation?: private.generation_state   (reserved, known; unfinished: the oldest job of this kind in progress)
-- Errors: R0001 no such user; R0002 the kind, price, request or reference is invalid.
create or replace function public.reserve_generation(
  p_user_id bigint, p_bot text, p_update_id bigint, p_chat_id bigint, p_thread_id bigint, p_kind text, p_provider text,
  p_model text, p_request jsonb, p_reference text, p_requests integer default 0, p_amount numeric default 0,
  p_max_cost numeric default null, p_reply_to bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user public.users;
  v_job public.generations;
  v_slot integer;
  v_outcome text;
begin
  if coalesce(p_kind, '') not in ('image', 'video') or coalesce(p_reference, '') not like '_%:_%'
    or coalesce(jsonb_typeof(p_request), '') <> 'object'
    or coalesce(p_requests, -1) not between 0 and 1000 or coalesce(p_amount, -1) not between 0 and 1000000
    or p_amount <> round(p_amount, 2) or (p_requests > 0 and p_amount > 0) or p_max_cost < 0
  then
    raise exception 'the kind, price, request or reference of a job is invalid' using errcode = 'R0002';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'R0001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select g.* into v_job from public.generations as g where g.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'generation', private.generation_state(v_job));
  end if;
  select s.slot into v_slot
    from generate_series(1, private.setting('generations_in_progress')::integer) as s (slot)
   where not exists (
     select from public.generations as g
      where g.user_id = p_user_id and g.kind = p_kind and g.slot = s.slot
        and g.state in ('reserved', 'submitting', 'submitted', 'copied')
   )
   order by s.slot
   limit 1;
  if v_slot is null then
    select g.* into v_job
      from public.generations as g
     where g.user_id = p_user_id and g.kind = p_kind and g.state in ('reserved', 'submitting', 'submitted', 'copied')
       and g.slot > 0
     order by g.id
     limit 1;
    return jsonb_strip_nulls(
      jsonb_build_object('outcome', 'unfinished', 'generation', case when v_job.id > 0 then private.generation_state(v_job) end)
    );
  elsif (
    select count(*) from public.generations as g
     where g.user_id = p_user_id and g.state = 'refused' and g.ended_at > v_now - interval '24 hours'
  ) >= private.setting('daily_generation_refusals')::integer then
    return jsonb_build_object('outcome', 'too_many_refusals');
  elsif p_amount = 0 then
    v_outcome := private.generation_cost_limit(p_user_id, p_bot, coalesce(p_max_cost, 0));
    if v_outcome in ('user_cost', 'bot_cost') then
      perform private.alert_cost_limit(
        p_bot, (v_now at time zone private.setting('quota_timezone'))::date, v_outcome, p_user_id
      );
    end if;
    if v_outcome is not null then
      return jsonb_build_object('outcome', v_outcome);
    end if;
  end if;

  begin
    insert into public.generations as g (
      user_id, bot, chat_id, thread_id, reply_to, kind, slot, provider, model, request, reference, day, max_cost, is_sold,
      due_at, deadline, created_at
    )
    values (
      p_user_id, p_bot, p_chat_id, p_thread_id, p_reply_to, p_kind, v_slot, p_provider, p_model, p_request, p_reference,
      (v_now at time zone private.setting('quota_timezone'))::date, p_max_cost, p_amount > 0, v_now,
      private.generation_deadline(p_kind, p_provider, p_model, v_now), v_now
    )
    returning g.* into v_job;
  exception when unique_violation then
    -- A concurrent call used the reference for another user.
    raise exception 'the reference belongs to another user' using errcode = 'R0002';
  end;
  v_outcome := private.take_generation_price(v_job, v_user, p_update_id, p_requests, p_amount);
  if v_outcome <> 'taken' then
    delete from public.generations as g where g.id = v_job.id;
    return jsonb_build_object('outcome', v_outcome);
  end if;
  return jsonb_build_object('outcome', 'reserved', 'generation', private.generation_state(v_job));
end
$$;

revoke all on function public.reserve_generation from public, anon, authenticated, service_role;
grant execute on function public.reserve_generation to bot_backend;
comment on function public.reserve_generation is 'Reserves a job and takes its price';

-- Saves the id of the message that says that a job is in progress. When the job is over by then, or its
-- user has stopped waiting, the message is deleted.
--
-- Concurrency: the job is locked: its end deletes the message, or this call does.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.save_generation_message(p_id bigint, p_message_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
begin
  if v_job.id is null then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  update public.generations as g set status_message_id = p_message_id where g.id = p_id returning g.* into v_job;
  if v_job.is_muted then
    update public.generations as g set status_message_id = null where g.id = p_id;
  end if;
  return jsonb_build_object(
    'outgoing', case when v_job.ended_at is not null or v_job.is_muted then private.delete_status_message(v_job) else '[]'::jsonb end
  );
end
$$;

revoke all on function public.save_generation_message from public, anon, authenticated, service_role;
grant execute on function public.save_generation_message to bot_backend;
comment on function public.save_generation_message is 'Saves the id of a job''s status message';

-- Charges a job whose files are stored: for what the provider really charged, within the price that was taken. When the
-- provider charged less than max_cost, the rest of the price is given back in proportion, rounded in our favor; of requests,
-- bonus credits first. A late result is not charged.
--
-- Concurrency: see private.lease_generation. A job is settled once; a repeated call changes nothing.
-- Locks: as private.lock_generation, private.return_generation_price and private.record_usage.
-- Returns: jsonb
--   outcome: 'settled' | 'superseded'
--   is_late?: boolean                       (settled)
--   is_muted?: boolean                      (settled)
--   generation?: private.generation_state   (settled)
-- Errors: none.
create or replace function public.settle_generation(p_id bigint, p_attempt integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_price record;
  v_share numeric;
  v_rest integer;
begin
  if v_job.state = 'copied' then
    if not v_job.is_late then
      select e.* into v_price
        from public.generation_effects as e
       where e.generation_id = p_id and e.effect = 'reserved';
      v_share := case when v_job.cost < v_job.max_cost then v_job.cost / v_job.max_cost else 1 end;
      v_rest := v_price.plan_requests + v_price.bonus_requests
        - ceil((v_price.plan_requests + v_price.bonus_requests) * v_share)::integer;
      perform private.return_generation_price(
        v_job, 'settled',
        v_rest - least(v_rest, v_price.bonus_requests),
        least(v_rest, v_price.bonus_requests),
        v_price.amount - ceil(v_price.amount * v_share * 100) / 100
      );
    end if;
    perform private.record_generation_usage(v_job, 'ok', v_job.cost, v_job.usage);
    update public.generations as g
       set state = 'succeeded', usage = null, slot = null, due_at = private.clock()
     where g.id = p_id
    returning g.* into v_job;
  elsif v_job.state is distinct from 'succeeded' then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  return jsonb_build_object(
    'outcome', 'settled', 'is_late', v_job.is_late, 'is_muted', v_job.is_muted,
    'generation', private.generation_state(v_job)
  );
end
$$;

revoke all on function public.settle_generation from public, anon, authenticated, service_role;
grant execute on function public.settle_generation to bot_backend;
comment on function public.settle_generation is 'Charges a job whose files are stored';

comment on column public.generations.is_muted is 'The user has stopped waiting: messages about it come without sound';

comment on column public.generations.slot is 'Which of the jobs that a user may have in progress (setting generations_in_progress); negative: the user has stopped waiting for it; null: a late result';
