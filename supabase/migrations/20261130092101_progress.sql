-- Progress.

alter table public.generations add column status_edited_at timestamp with time zone;

-- Collects a user's pictures and videos, the newest 10,000: what was asked for, and what it took from the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.generations_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with jobs as (
    select g.* from public.generations as g where g.user_id = p_user_id order by g.id desc limit 10000
  )
  select jsonb_build_object(
    'jobs', (
      select coalesce(
          jsonb_agg(
            to_jsonb(j)
              - array[
                'user_id', 'token', 'slot', 'attempt', 'is_nudged', 'due_at', 'lease_until', 'max_cost', 'usage',
                'provider_job_id', 'status_edited_at'
              ]
            order by j.id
          ),
          '[]'::jsonb
        )
        from jobs as j
    ),
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) order by e.generation_id, e.created_at, e.effect), '[]'::jsonb)
        from public.generation_effects as e
       where e.generation_id in (select j.id from jobs as j)
    )
  );
$$;

revoke all on function private.generations_section from public, anon, authenticated, service_role;
comment on function private.generations_section is 'Collects a user''s pictures and videos';

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
--     submissions: int, polls: int, delivery_failures: int, files: [ jsonb ], seconds: int, poll_seconds: float | null
--   } ]
--                          (failed, expired: a callback announces a late result. seconds: since it was submitted;
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
        'delivery_failures', c.delivery_failures, 'files', c.files,
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

-- Returns until when a result is waited for that is asked for at p_now: for limits.wait_seconds of its model, else for the setting
-- generation_image_minutes or generation_video_minutes.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.generation_deadline(p_kind text, p_provider text, p_model text, p_now timestamptz)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_now + make_interval(
      secs => coalesce(
        (
          select (m.limits ->> 'wait_seconds')::double precision
            from public.ai_models as m
           where m.provider = p_provider and m.model = p_model and jsonb_typeof(m.limits -> 'wait_seconds') = 'number'
        ),
        60 * private.setting('generation_' || p_kind || '_minutes')::double precision
      )
    );
$$;

revoke all on function private.generation_deadline from public, anon, authenticated, service_role;
comment on function private.generation_deadline is 'Until when a result is waited for';

-- Ends a worker's lease without a result: the job is due again after p_seconds, or at once when a callback came meanwhile.
--
-- p_seconds null: not again. A job that succeeded then stays as it is, undeliverable. p_error: what failed; null: the
-- provider still works on it.
--
-- Concurrency: see private.lease_generation. A job that is being submitted is never due: its request must not be repeated.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
--   status?: { message_id: bigint, seconds: int, usual_seconds: float | null }
--                (the message about the job is to show how long it takes, at most once in generation_status_seconds; in a group
--                in twice as long. seconds: since it was asked for)
-- Errors: none.
create or replace function public.postpone_generation(
  p_id bigint, p_attempt integer, p_seconds numeric, p_error text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_now timestamptz := private.clock();
  v_is_over boolean;
  v_pause interval := make_interval(
    secs => private.setting('generation_status_seconds')::integer * case when v_job.chat_id < 0 then 2 else 1 end
  );
  v_shows boolean;
begin
  if v_job.id is null or v_job.state in ('submitting', 'delivered', 'refused', 'canceled') then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  v_is_over := p_seconds is null and v_job.state = 'succeeded';
  v_shows := p_error is null
    and v_job.state = 'submitted'
    and v_job.status_message_id is not null
    and coalesce(v_job.status_edited_at, v_job.created_at) <= v_now - v_pause;
  update public.generations as g
     set due_at = case
           when g.is_nudged then v_now
           else v_now + make_interval(secs => p_seconds::double precision)
         end,
         lease_until = null,
         is_nudged = false,
         polls = g.polls + (p_error is null)::integer,
         delivery_failures = g.delivery_failures + (p_error is not null and g.state = 'succeeded')::integer,
         error = coalesce(left(p_error, 1000), g.error),
         status_edited_at = case when v_shows then v_now else g.status_edited_at end,
         ended_at = case when v_is_over then v_now else g.ended_at end,
         delete_at = case when v_is_over then private.generation_end(v_now) else g.delete_at end
   where g.id = p_id;
  if not v_shows then
    return jsonb_build_object('outcome', 'recorded');
  end if;
  return jsonb_build_object(
    'outcome', 'recorded',
    'status', jsonb_build_object(
      'message_id', v_job.status_message_id,
      'seconds', extract(epoch from v_now - v_job.created_at)::integer,
      'usual_seconds', (
        select m.limits -> 'usual_seconds'
          from public.ai_models as m
         where m.provider = v_job.provider and m.model = v_job.model
      )
    )
  );
end
$$;

revoke all on function public.postpone_generation from public, anon, authenticated, service_role;
grant execute on function public.postpone_generation to bot_backend;
comment on function public.postpone_generation is 'Ends a worker''s lease of a job without a result';

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

-- Hands a job whose provider failed to the next one of request.fallbacks: [{provider, model, options}]. It has the time that is
-- waited for the other model.
--
-- Concurrency: see private.lease_generation. A repeated call finds the state reserved and changes nothing. A callback of the
--   former request is that of an unknown job, because the job has a new token.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'switched' | 'none' | 'superseded'   (none: there is no other provider, or the deadline has passed)
-- Errors: none.
create or replace function public.switch_generation(p_id bigint, p_attempt integer, p_error text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_next jsonb := v_job.request -> 'fallbacks' -> 0;
begin
  if v_job.state is null or v_job.state not in ('submitting', 'submitted') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_next is null or v_job.deadline <= private.clock() then
    return jsonb_build_object('outcome', 'none');
  end if;
  update public.generations as g
     set state = 'reserved',
         provider = v_next ->> 'provider',
         model = v_next ->> 'model',
         request = g.request || jsonb_build_object(
           'options', v_next -> 'options', 'fallbacks', (g.request -> 'fallbacks') - 0
         ),
         token = gen_random_uuid(),
         provider_job_id = null,
         submissions = 0,
         polls = 0,
         submitted_at = null,
         error = left(p_error, 1000),
         deadline = private.generation_deadline(
           g.kind, v_next ->> 'provider', v_next ->> 'model', private.clock()
         ),
         due_at = private.clock(),
         lease_until = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'switched');
end
$$;

revoke all on function public.switch_generation from public, anon, authenticated, service_role;
grant execute on function public.switch_generation to bot_backend;
comment on function public.switch_generation is 'Hands a job whose provider failed to the next one';

comment on column public.ai_models.limits is 'Bounds of a call: context_tokens, output_tokens, prompt_characters, input_bytes, output_seconds, result_days; usual_seconds (a call takes), poll_seconds (between two reads of a job), wait_seconds (until it expires)';

comment on column public.ai_models.parameters is 'What a call may choose: lists aspect_ratios, sizes, resolutions, qualities, durations (seconds); max_references (pictures); sound (can be switched); labels (words for values)';

comment on column public.generations.status_edited_at is 'When that message last showed how long it takes';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "generation_status_seconds", "about": "Least seconds between two edits of the message about a picture or video in progress; in groups twice as many", "value": 15}') on conflict do nothing;

-- Known values; those of an owner stay.
update public.ai_models as m
   set limits = m.limits || v.limits
  from (
    values
    ('gemini', 'veo-3.1-generate-001', '{"usual_seconds": 150}'::jsonb),
    ('gemini', 'veo-3.1-fast-generate-001', '{"usual_seconds": 90}'),
    ('kie_ai', 'veo-3-1', '{"usual_seconds": 150}')
  ) as v (provider, model, limits)
 where m.provider = v.provider and m.model = v.model and not m.limits ? 'usual_seconds';

update public.ai_models as m
   set parameters = m.parameters || '{"labels": {"veo3_lite": {"en": "Lite", "ru": "Простое"},
         "veo3_fast": {"en": "Fast", "ru": "Быстрое"}, "veo3": {"en": "Best", "ru": "Лучшее"}}}'
 where m.provider = 'kie_ai' and m.model = 'veo-3-1' and not m.parameters ? 'labels';
