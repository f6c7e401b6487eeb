-- Generations.

alter table public.daily_totals add column sold_cost numeric(18,8) default 0 not null;

-- Jobs that generate a picture or a video at an AI provider.
--
-- reserved ─▶ submitting ─▶ submitted ─▶ copied ─▶ succeeded ─▶ delivered
--                 └──────────────────────▶ (a provider that answers at once)
--
-- reserved    paid for with requests of the plan, bonus credits or balance; not sent to the provider yet
-- submitting  committed before the paid request is sent, which is never repeated unless it provably did not arrive
-- submitted   the provider works on it and has named it
-- copied      the provider has finished, and its files are in our storage
-- succeeded   charged for what the provider charged us, within the price that the user was shown
-- delivered   Telegram has accepted the files
--
-- Instead of copied a job ends as failed, refused (by the provider's content rules), expired (its deadline passed) or
-- canceled. Everything that was taken is then released, once. A result that comes after that is delivered and not charged.

create table public.generations (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  chat_id bigint not null,
  thread_id bigint not null default 0,
  reply_to bigint,
  status_message_id bigint,
  kind text not null check (kind in ('image', 'video')),
  slot integer,
  provider text not null check (provider <> ''),
  model text not null check (model <> ''),
  request jsonb not null default '{}' check (jsonb_typeof(request) = 'object'),
  reference text not null unique,
  token uuid not null unique default gen_random_uuid(),
  state text not null default 'reserved' check (
    state in (
      'reserved', 'submitting', 'submitted', 'copied', 'succeeded', 'delivered', 'failed', 'refused', 'expired', 'canceled'
    )
  ),
  cause text check ((cause is not null) = (state in ('failed', 'refused'))),
  error text,
  provider_job_id text,
  day date not null,
  max_cost numeric(14, 8) check (max_cost >= 0),
  cost numeric(14, 8) check (cost >= 0),
  usage jsonb,
  is_sold boolean not null,
  is_late boolean not null default false,
  attempt integer not null default 0,
  submissions integer not null default 0,
  polls integer not null default 0,
  delivery_failures integer not null default 0,
  is_nudged boolean not null default false,
  due_at timestamptz,
  lease_until timestamptz,
  deadline timestamptz not null,
  files jsonb not null default '[]' check (jsonb_typeof(files) = 'array'),
  telegram_files jsonb not null default '[]' check (jsonb_typeof(telegram_files) = 'array'),
  created_at timestamptz not null default private.clock(),
  submitted_at timestamptz,
  ended_at timestamptz,
  delete_at timestamptz,
  unique (provider, provider_job_id)
);

create unique index generations_open_idx on public.generations (user_id, kind, slot)
where state in ('reserved', 'submitting', 'submitted', 'copied');
create index generations_user_idx on public.generations (user_id, id);
create index generations_due_idx on public.generations (due_at) where due_at is not null;
create index generations_deadline_idx on public.generations (deadline)
where state in ('reserved', 'submitting', 'submitted');
create index generations_delete_idx on public.generations (delete_at) where delete_at is not null;
-- Reserved cost of a bot's jobs.
create index generations_cost_idx on public.generations (bot)
where state in ('reserved', 'submitting', 'submitted', 'copied');

comment on table public.generations is 'Jobs that generate a picture or a video';
comment on column public.generations.reply_to is 'Message that asked for it';
comment on column public.generations.status_message_id is 'Message that says it is in progress; deleted at the end';
comment on column public.generations.slot is 'Which of the jobs that a user may have in progress (setting generations_in_progress); null: a late result';
comment on column public.generations.request is 'prompt, references and options, as the provider gets them';
comment on column public.generations.reference is 'Idempotency key of the reservation: the update that asked for it';
comment on column public.generations.token is 'Unguessable part of the callback URL';
comment on column public.generations.cause is 'Why it failed or was refused';
comment on column public.generations.error is 'Last error, as the provider or Telegram words it';
comment on column public.generations.day is 'Day of the quota that it counts for';
comment on column public.generations.max_cost is 'US dollars that stand behind the price; null: the price does not depend on the cost';
comment on column public.generations.cost is 'US dollars that the provider charged; null: not reported';
comment on column public.generations.usage is 'The call to the provider, as private.record_usage takes it, until it is recorded';
comment on column public.generations.is_sold is 'Paid for from the balance: the daily cost limits leave it out';
comment on column public.generations.is_late is 'The result came after everything was released';
comment on column public.generations.attempt is 'Number of the latest lease: a worker with another number changes nothing';
comment on column public.generations.is_nudged is 'A callback came while a worker held the lease: look again at once';
comment on column public.generations.due_at is 'When a worker continues; null: it waits for a callback or its deadline, or is over';
comment on column public.generations.files is '[{key, mime, width, height, duration}]; key null: not in our storage';
comment on column public.generations.telegram_files is '[{kind, file_id}] for sending it again';
comment on column public.generations.delete_at is 'When the row is deleted';
alter table public.generations enable row level security;
revoke all on table public.generations from public, anon, authenticated, service_role;
revoke all on sequence public.generations_id_seq from public, anon, authenticated, service_role;

-- What a job of public.generations took from its user, and what it gave back: one row per job and effect.
--
-- reserved  the price that the user was shown
-- settled   what the provider did not charge of it, given back (negative); 0 when the price stands
-- released  everything that was left, given back (negative)
--
-- A change of the balance has the ledger entry generations:<id>:<effect>.

create table public.generation_effects (
  generation_id bigint not null references public.generations (id) on delete cascade,
  effect text not null check (effect in ('reserved', 'settled', 'released')),
  plan_requests integer not null default 0,
  bonus_requests integer not null default 0,
  amount numeric(12, 2) not null default 0,
  created_at timestamptz not null default private.clock(),
  primary key (generation_id, effect),
  constraint generation_effects_check check (
    case when effect = 'reserved' then least(plan_requests, bonus_requests, amount) >= 0
      else greatest(plan_requests, bonus_requests, amount) <= 0
    end
  )
);

comment on table public.generation_effects is 'What a job took from its user, and what it gave back';
comment on column public.generation_effects.plan_requests is 'Requests taken from the plan; negative: given back';
comment on column public.generation_effects.bonus_requests is 'Bonus credits taken; negative: given back';
comment on column public.generation_effects.amount is 'Taken from the balance, in the currency of the setting balance_currency; negative: given back';
alter table public.generation_effects enable row level security;
revoke all on table public.generation_effects from public, anon, authenticated, service_role;

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
                'provider_job_id'
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

-- Returns when a job that ended at p_now is deleted with its files (setting retention_generations_days).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.generation_end(p_now timestamptz)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_now + make_interval(days => private.setting('retention_generations_days')::integer);
$$;

revoke all on function private.generation_end from public, anon, authenticated, service_role;
comment on function private.generation_end is 'When a job that ended is deleted';

-- Checks for an admin that payments, their fulfilment, pictures and videos, the ledger and the balances agree. Reads all of
-- them.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   payments: int          (how many faults payments have)
--   balances: int          (how many balances differ from their ledger)
--   generations: int       (how many faults jobs of pictures and videos have)
--   wrong_payments: [ { payment: bigint, wrong: text } ]   (the first ten)
--   wrong_balances: [ {
--     user_id: bigint | null, telegram_id: bigint | null   (null: all erased users together),
--     balance: numeric, ledger: numeric
--   } ]                                                    (the first ten)
--   wrong_generations: [ { generation: bigint, wrong: text } ]   (the first ten)
-- Errors: N0001 not an admin.
create or replace function public.admin_check(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payments jsonb;
  v_balances jsonb;
  v_generations jsonb;
begin
  perform private.require_admin(p_admin_email);
  select coalesce(
      jsonb_agg(jsonb_build_object('payment', c.payment_id, 'wrong', c.wrong) order by c.payment_id, c.wrong), '[]'::jsonb
    )
    into v_payments
    from public.check_payments() as c;
  v_balances := public.check_balances();
  select coalesce(
      jsonb_agg(
        jsonb_build_object('generation', c.generation_id, 'wrong', c.wrong) order by c.generation_id, c.wrong
      ),
      '[]'::jsonb
    )
    into v_generations
    from public.check_generations() as c;
  return jsonb_build_object(
    'payments', jsonb_array_length(v_payments),
    'balances', jsonb_array_length(v_balances),
    'generations', jsonb_array_length(v_generations),
    'wrong_generations', jsonb_path_query_array(v_generations, '$[0 to 9]'),
    'wrong_payments', jsonb_path_query_array(v_payments, '$[0 to 9]'),
    'wrong_balances', (
      select coalesce(
          jsonb_agg(
            b.value || jsonb_build_object(
              'telegram_id', (select u.telegram_id from public.users as u where u.id = (b.value ->> 'user_id')::bigint)
            )
          ),
          '[]'::jsonb
        )
        from jsonb_path_query(v_balances, '$[0 to 9]') as b (value)
    )
  );
end
$$;

revoke all on function public.admin_check from public, anon, authenticated, service_role;
grant execute on function public.admin_check to bot_backend, service_role;
comment on function public.admin_check is 'Checks for an admin that payments and balances agree';

-- Marks a job as being sent to its provider. This is committed before the paid request: from here on it is never repeated,
-- unless it provably did not arrive (public.retry_submission).
--
-- Concurrency: see private.lease_generation. A second call of the same worker finds another state and begins nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'begun' | 'superseded' | 'over'   (over: the deadline has passed, and the job will expire)
-- Errors: none.
create or replace function public.begin_submission(p_id bigint, p_attempt integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_now timestamptz := private.clock();
begin
  if v_job.state is distinct from 'reserved' then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_job.deadline <= v_now then
    return jsonb_build_object('outcome', 'over');
  end if;
  update public.generations as g
     set state = 'submitting', submissions = g.submissions + 1, submitted_at = v_now, due_at = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'begun');
end
$$;

revoke all on function public.begin_submission from public, anon, authenticated, service_role;
grant execute on function public.begin_submission to bot_backend;
comment on function public.begin_submission is 'Marks a job as being sent to its provider';

-- Cancels a user's job that was not sent to the provider yet, and releases what it took. Later it cannot be canceled, because
-- the provider charges for it.
--
-- Concurrency: the job is locked: either it is canceled, or its submission has begun.
-- Locks: as private.lock_generation and private.release_generation.
-- Returns: jsonb
--   outcome: 'canceled' | 'too_late' | 'unknown'
--   outgoing?: outgoing    (canceled)
-- Errors: none.
create or replace function public.cancel_generation(p_user_id bigint, p_id bigint)
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
  elsif v_job.state not in ('reserved', 'canceled') then
    return jsonb_build_object('outcome', 'too_late');
  end if;
  return jsonb_build_object(
    'outcome', 'canceled',
    'outgoing', case
      when v_job.state = 'reserved' then private.close_generation(v_job, 'canceled', null, null)
      else '[]'::jsonb
    end
  );
end
$$;

revoke all on function public.cancel_generation from public, anon, authenticated, service_role;
grant execute on function public.cancel_generation to bot_backend;
comment on function public.cancel_generation is 'Cancels a job that was not sent yet';

-- Verifies that jobs, what they took, the balance ledger and the counters of requests agree. For admins and tests.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: table (generation_id bigint, wrong text), one row per contradiction; none if everything agrees.
-- Errors: none.
create or replace function public.check_generations()
returns table (generation_id bigint, wrong text)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with jobs as (
    select
      g.id,
      g.state,
      g.is_late,
      g.slot,
      count(*) filter (where e.effect = 'reserved') as reserved,
      count(*) filter (where e.effect = 'settled') as settled,
      count(*) filter (where e.effect = 'released') as released,
      coalesce(sum(e.plan_requests), 0) as plan_requests,
      coalesce(sum(e.bonus_requests), 0) as bonus_requests,
      coalesce(sum(e.amount), 0) as amount
      from public.generations as g
      left join public.generation_effects as e on e.generation_id = g.id
     where g.user_id is not null
     group by g.id
  )
  select j.id, 'nothing was reserved' from jobs as j where j.reserved = 0
  union all
  select j.id, 'less than nothing is charged' from jobs as j where least(j.plan_requests, j.bonus_requests, j.amount) < 0
  union all
  select j.id, 'it has ended without a result and its price is not released'
    from jobs as j
   where j.state in ('failed', 'refused', 'expired', 'canceled')
     and (j.released = 0 or j.plan_requests + j.bonus_requests + j.amount <> 0)
  union all
  select j.id, 'it is in progress and was settled or released'
    from jobs as j
   where j.state in ('reserved', 'submitting', 'submitted', 'copied') and not j.is_late and j.settled + j.released > 0
  union all
  select j.id, 'it succeeded and was not settled, or was released'
    from jobs as j
   where j.state in ('succeeded', 'delivered') and not j.is_late and (j.settled = 0 or j.released > 0)
  union all
  select j.id, 'a late result was charged'
    from jobs as j
   where j.is_late and (j.released = 0 or j.plan_requests + j.bonus_requests + j.amount <> 0)
  union all
  select j.id, 'it is over and holds a slot'
    from jobs as j
   where j.slot is not null and j.state not in ('reserved', 'submitting', 'submitted', 'copied')
  union all
  select e.generation_id, 'the ledger differs from what was taken'
    from public.generation_effects as e
    left join public.balance_transactions as t on t.reference = format('generations:%s:%s', e.generation_id, e.effect)
   where coalesce(t.amount, 0) <> -e.amount
  union all
  select split_part(t.reference, ':', 2)::bigint, 'the ledger has an entry that was not taken'
    from public.balance_transactions as t
   where t.reference like 'generations:%'
     and exists (select from public.generations as g where g.id = split_part(t.reference, ':', 2)::bigint)
     and not exists (
       select
         from public.generation_effects as e
        where e.generation_id = split_part(t.reference, ':', 2)::bigint and e.effect = split_part(t.reference, ':', 3)
     )
  union all
  select h.id, 'the requests of the day are fewer than its jobs hold'
    from (
      select
        max(g.id) as id,
        g.user_id,
        g.bot,
        g.day,
        sum(e.plan_requests) as plan_requests,
        sum(e.bonus_requests) as bonus_requests
        from public.generations as g
        join public.generation_effects as e on e.generation_id = g.id
       group by g.user_id, g.bot, g.day
    ) as h
    left join public.daily_usage as d on d.user_id = h.user_id and d.bot = h.bot and d.day = h.day
   where coalesce(d.bonus_requests, 0) < h.bonus_requests
      or (
        coalesce(d.requests, 0) < h.plan_requests
        and not exists (
          select
            from public.audit_log as l
           where l.user_id = h.user_id and l.action = 'reset_user_usage' and l.created_at >= h.day
        )
      );
$$;

revoke all on function public.check_generations from public, anon, authenticated, service_role;
grant execute on function public.check_generations to bot_backend, service_role;
comment on function public.check_generations is 'Verifies that jobs, ledger and quota agree';

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
--     submissions: int, polls: int, delivery_failures: int, files: [ jsonb ], seconds: int
--   } ]
--                          (failed, expired: a callback announces a late result. seconds: since it was submitted)
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
        'seconds', coalesce(extract(epoch from private.clock() - c.submitted_at)::integer, 0)
      )
      order by c.due_at, c.id
    ),
    '[]'::jsonb
  )
  from claimed as c
  join public.users as u on u.id = c.user_id;
$$;

revoke all on function public.claim_generations from public, anon, authenticated, service_role;
grant execute on function public.claim_generations to bot_backend;
comment on function public.claim_generations is 'Leases due jobs';

-- Ends a job without a result: gives back everything that was taken, frees its slot, and enqueues the message that says so.
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
        end
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

-- Deletes jobs that ended long enough ago (setting retention_generations_days), at most p_limit. Their files in Storage have
-- the same retention of their own.
--
-- Concurrency: locked jobs are skipped; a repeated call deletes the next ones.
-- Locks: jobs (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   deleted: int
-- Errors: none.
create or replace function public.delete_generations(p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted integer;
begin
  delete from public.generations as g
   where g.id in (
     select o.id
       from public.generations as o
      where o.delete_at <= (select private.clock())
      order by o.delete_at
      limit p_limit
        for update skip locked
   );
  get diagnostics v_deleted = row_count;
  return jsonb_build_object('deleted', v_deleted);
end
$$;

revoke all on function public.delete_generations from public, anon, authenticated, service_role;
grant execute on function public.delete_generations to bot_backend;
comment on function public.delete_generations is 'Deletes jobs that ended long enough ago';

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

-- Ends a job that its worker found to have failed, or that the provider refused: everything taken is released, once. The
-- owner bears what the provider charged nevertheless.
--
-- p_cause: a word; "unanswered" when the outcome of the request is unknown, so that a late callback still counts;
-- "answered_in_text" when p_error is what the model says to the user. p_cost:
-- US dollars that the provider charged; p_usage as in public.record_copied.
--
-- Concurrency: see private.lease_generation. A repeated call, or one for a job that has ended, changes nothing but the lease.
-- Locks: as private.lock_generation, private.release_generation and private.record_usage.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'superseded'
--   outgoing?: outgoing    (recorded)
-- Errors: none.
create or replace function public.end_generation(
  p_id bigint, p_attempt integer, p_state text, p_cause text, p_error text default null, p_cost numeric default null,
  p_usage jsonb default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
begin
  if v_job.id is null then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_job.state in ('delivered', 'failed', 'refused', 'expired', 'canceled') then
    update public.generations as g set due_at = null, lease_until = null where g.id = p_id;
    return jsonb_build_object('outcome', 'known');
  end if;
  if v_job.state in ('submitting', 'submitted', 'copied') then
    perform private.record_generation_usage(v_job, p_state, p_cost, p_usage);
  end if;
  return jsonb_build_object(
    'outcome', 'recorded', 'outgoing', private.close_generation(v_job, p_state, p_cause, p_error)
  );
end
$$;

revoke all on function public.end_generation from public, anon, authenticated, service_role;
grant execute on function public.end_generation to bot_backend;
comment on function public.end_generation is 'Ends a job that failed or was refused';

-- Ends jobs whose deadline has passed without a result, at most p_limit, and releases what they took.
--
-- Concurrency: a leased job is left to its worker. Each job is locked and read again; two calls at once expire it once.
-- Locks: jobs by user (each as private.lock_generation), then as private.close_generation.
-- Returns: jsonb
--   expired: int
--   outgoing: outgoing
-- Errors: none.
create or replace function public.expire_generations(p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_id bigint;
  v_job public.generations;
  v_expired integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_id in
    select o.id
      from (
        select g.id, g.user_id
          from public.generations as g
         where g.state in ('reserved', 'submitting', 'submitted')
           and g.deadline <= v_now
           and (g.lease_until is null or g.lease_until <= v_now)
         order by g.deadline
         limit p_limit
      ) as o
     order by o.user_id, o.id
  loop
    v_job := private.lock_generation(v_id);
    continue when v_job.id is null
      or v_job.state not in ('reserved', 'submitting', 'submitted')
      or v_job.lease_until > v_now;
    v_outgoing := v_outgoing || private.close_generation(v_job, 'expired', null, null);
    v_expired := v_expired + 1;
  end loop;
  return jsonb_build_object('expired', v_expired, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.expire_generations from public, anon, authenticated, service_role;
grant execute on function public.expire_generations to bot_backend;
comment on function public.expire_generations is 'Ends jobs whose deadline has passed';

-- Returns which daily cost limit a job of p_cost US dollars would exceed, for jobs that are paid for with requests: the
-- owner pays for those. What other questions and jobs in progress may cost is added to what was spent.
--
-- Concurrency: the caller has locked the user. Jobs of one bot are serialized until the transaction ends.
-- Locks: an advisory lock of the bot, the one of private.is_within_bot_cost_limit.
-- Returns: text, 'user_cost' | 'bot_cost'; null: within both.
-- Errors: none.
create or replace function private.generation_cost_limit(p_user_id bigint, p_bot text, p_cost numeric)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_user_limit numeric := private.setting('daily_cost_user')::numeric;
  v_bot_limit numeric := private.setting('daily_cost_bot')::numeric;
  v_open numeric;
begin
  select coalesce(sum(o.cost), 0) into v_open
    from (
      select t.reserved_cost as cost
        from public.telegram_updates as t
       where t.user_id = p_user_id and t.status = 'working' and t.lease_until > v_now
      union all
      select g.max_cost
        from public.generations as g
       where g.user_id = p_user_id and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    ) as o;
  if v_user_limit > 0 and private.user_cost(p_user_id, v_day) + v_open + p_cost > v_user_limit then
    return 'user_cost';
  elsif not v_bot_limit > 0 then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('cost of ' || p_bot, 0));
  select coalesce(sum(o.cost), 0) into v_open
    from (
      select t.reserved_cost as cost
        from public.telegram_updates as t
       where t.lease_until > v_now and t.status in ('working', 'failed') and t.bot = p_bot
      union all
      select g.max_cost
        from public.generations as g
       where g.bot = p_bot and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    ) as o;
  return case when private.bot_cost(p_bot, v_day) + v_open + p_cost > v_bot_limit then 'bot_cost' end;
end
$$;

revoke all on function private.generation_cost_limit from public, anon, authenticated, service_role;
comment on function private.generation_cost_limit is 'Which daily cost limit a job would exceed';

-- Returns what a bot shows of a job.
--
-- Concurrency: computes and reads only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   kind: 'image' | 'video'
--   state: 'reserved' | 'submitting' | 'submitted' | 'copied' | 'succeeded' | 'delivered' | 'failed' | 'refused' | 'expired'
--     | 'canceled'
--   requests: int           (taken for it now: of the plan, or bonus credits)
--   amount: numeric         (taken from the balance for it now)
--   deadline: timestamptz
--   telegram_files: [ { kind: text, file_id: text } ]
-- Errors: none.
create or replace function private.generation_state(p_job public.generations)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_job.id,
    'kind', p_job.kind,
    'state', p_job.state,
    'requests', coalesce(sum(e.plan_requests + e.bonus_requests), 0),
    'amount', coalesce(sum(e.amount), 0)::text,
    'deadline', p_job.deadline,
    'telegram_files', p_job.telegram_files
  )
  from public.generation_effects as e
  where e.generation_id = p_job.id;
$$;

revoke all on function private.generation_state from public, anon, authenticated, service_role;
comment on function private.generation_state is 'What a bot shows of a job';

-- Returns a user's job, for showing it or sending its files again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'
--   generation?: private.generation_state
-- Errors: none.
create or replace function public.get_generation(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations;
begin
  select g.* into v_job from public.generations as g where g.id = p_id and g.user_id = p_user_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  return jsonb_build_object('outcome', 'found', 'generation', private.generation_state(v_job));
end
$$;

revoke all on function public.get_generation from public, anon, authenticated, service_role;
grant execute on function public.get_generation to bot_backend;
comment on function public.get_generation is 'Returns a user''s job';

-- Locks a job for the worker that holds its lease of this number.
--
-- Concurrency: a worker whose lease was taken over gets nothing, so it changes nothing.
-- Locks: as private.lock_generation.
-- Returns: public.generations, the job; null when it was erased, or another worker has its lease.
-- Errors: none.
create or replace function private.lease_generation(p_id bigint, p_attempt integer)
returns public.generations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
begin
  if v_job.attempt <> p_attempt then
    return null;
  end if;
  return v_job;
end
$$;

revoke all on function private.lease_generation from public, anon, authenticated, service_role;
comment on function private.lease_generation is 'Locks a job for the worker that holds its lease';

-- Locks a job and its user, the user first: an erasure locks the user and then deletes the jobs, so there is no deadlock.
--
-- Concurrency: the job is read again under its lock; an erasure in between leaves none.
-- Locks: user (NO KEY UPDATE), job (FOR UPDATE).
-- Returns: public.generations, the job; null if there is none.
-- Errors: none.
create or replace function private.lock_generation(p_id bigint)
returns public.generations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations;
begin
  perform
    from public.users as u
   where u.id = (select g.user_id from public.generations as g where g.id = p_id)
     for no key update;
  select g.* into v_job from public.generations as g where g.id = p_id for update;
  return v_job;
end
$$;

revoke all on function private.lock_generation from public, anon, authenticated, service_role;
comment on function private.lock_generation is 'Locks a job and its user';

-- Makes a job due because a callback of its provider came. The callback is not believed: a worker reads the provider's state.
--
-- p_token: from the callback's URL. p_provider_job_id: the provider's name of the job in the callback, which is recorded when
-- the worker that submitted it has not done so.
--
-- Concurrency: any number of callbacks at once make the job due once. While a worker holds the lease, its end makes the job
--   due again (is_nudged).
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'nudged' | 'unknown' | 'over'   (unknown: no such job, or it has another name; over: there is nothing to do)
--   id?: bigint            (nudged)
-- Errors: none.
create or replace function public.nudge_generation(p_provider text, p_token uuid, p_provider_job_id text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations;
begin
  v_job := private.lock_generation(
    (select g.id from public.generations as g where g.token = p_token and g.provider = p_provider)
  );
  if v_job.id is null or v_job.provider_job_id <> p_provider_job_id then
    return jsonb_build_object('outcome', 'unknown');
  elsif not (
    v_job.state in ('submitting', 'submitted', 'expired') or (v_job.state = 'failed' and v_job.cause = 'unanswered')
  ) or coalesce(v_job.provider_job_id, p_provider_job_id) is null then
    return jsonb_build_object('outcome', 'over');
  end if;
  update public.generations as g
     set provider_job_id = coalesce(g.provider_job_id, p_provider_job_id),
         state = case g.state when 'submitting' then 'submitted' else g.state end,
         due_at = private.clock(),
         is_nudged = coalesce(g.lease_until > private.clock(), false)
   where g.id = v_job.id;
  return jsonb_build_object('outcome', 'nudged', 'id', v_job.id);
exception when unique_violation then  -- another job has this name
  return jsonb_build_object('outcome', 'unknown');
end
$$;

revoke all on function public.nudge_generation from public, anon, authenticated, service_role;
grant execute on function public.nudge_generation to bot_backend;
comment on function public.nudge_generation is 'Makes a job due because a callback came';

-- Ends a worker's lease without a result: the job is due again after p_seconds, or at once when a callback came meanwhile.
--
-- p_seconds null: not again. A job that succeeded then stays as it is, undeliverable. p_error: what failed; null: the
-- provider still works on it.
--
-- Concurrency: see private.lease_generation. A job that is being submitted is never due: its request must not be repeated.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
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
begin
  if v_job.id is null or v_job.state in ('submitting', 'delivered', 'refused', 'canceled') then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  v_is_over := p_seconds is null and v_job.state = 'succeeded';
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
         ended_at = case when v_is_over then v_now else g.ended_at end,
         delete_at = case when v_is_over then private.generation_end(v_now) else g.delete_at end
   where g.id = p_id;
  return jsonb_build_object('outcome', 'recorded');
end
$$;

revoke all on function public.postpone_generation from public, anon, authenticated, service_role;
grant execute on function public.postpone_generation to bot_backend;
comment on function public.postpone_generation is 'Ends a worker''s lease of a job without a result';

-- Records that the provider has finished a job and that its files are stored. A job that had expired, or failed because its
-- request was not answered, becomes a late one: it is delivered, and nothing is charged for it.
--
-- p_files: [{key, mime, width, height, duration}], key null where no storage is configured. p_cost: US dollars that the
-- provider charged, null when it did not say. p_usage: {request_bytes, response_bytes, tokens_in, tokens_out}.
--
-- Concurrency: see private.lease_generation. A repeated call of the same worker changes nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
-- Errors: none.
create or replace function public.record_copied(
  p_id bigint, p_attempt integer, p_files jsonb, p_cost numeric, p_usage jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_is_late boolean := v_job.state in ('expired', 'failed');
begin
  if v_job.state = 'copied' then
    return jsonb_build_object('outcome', 'recorded');
  elsif v_job.id is null or not (v_is_late or v_job.state in ('submitting', 'submitted')) then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  update public.generations as g
     set state = 'copied',
         is_late = v_is_late,
         slot = case when not v_is_late then g.slot end,
         cause = null,
         files = p_files,
         cost = p_cost,
         usage = p_usage,
         due_at = private.clock(),
         ended_at = null,
         delete_at = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'recorded');
end
$$;

revoke all on function public.record_copied from public, anon, authenticated, service_role;
grant execute on function public.record_copied to bot_backend;
comment on function public.record_copied is 'Records that the files of a job are stored';

-- Records that Telegram has accepted the files of a job.
--
-- p_telegram_files: [{kind, file_id}], for sending them again.
--
-- Concurrency: see private.lease_generation. A repeated call changes nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
--   outgoing?: outgoing    (recorded: the deletion of the status message)
-- Errors: none.
create or replace function public.record_delivery(p_id bigint, p_attempt integer, p_telegram_files jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_now timestamptz := private.clock();
begin
  if v_job.state = 'delivered' then
    return jsonb_build_object('outcome', 'recorded', 'outgoing', '[]'::jsonb);
  elsif v_job.state is distinct from 'succeeded' then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  update public.generations as g
     set state = 'delivered',
         telegram_files = p_telegram_files,
         error = null,
         due_at = null,
         lease_until = null,
         ended_at = v_now,
         delete_at = private.generation_end(v_now)
   where g.id = p_id;
  return jsonb_build_object('outcome', 'recorded', 'outgoing', private.delete_status_message(v_job));
end
$$;

revoke all on function public.record_delivery from public, anon, authenticated, service_role;
grant execute on function public.record_delivery to bot_backend;
comment on function public.record_delivery is 'Records that Telegram has accepted the files of a job';

-- Records the call to the provider of a job (private.record_usage). The cost of a job that was paid for from the balance is
-- left out of the daily cost limits.
--
-- Concurrency: the caller has locked the job, and records once, when it changes its state.
-- Locks: as private.record_usage.
-- Returns: void
-- Errors: none.
create or replace function private.record_generation_usage(
  p_job public.generations, p_status text, p_cost numeric, p_usage jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_update public.telegram_updates;
begin
  v_update.user_id := p_job.user_id;
  v_update.bot := p_job.bot;
  v_update.update_id := p_job.id;
  perform private.record_usage(
    v_update,
    jsonb_build_array(
      coalesce(p_usage, '{}') || jsonb_build_object(
        'provider', p_job.provider, 'model', p_job.model, 'kind', p_job.kind, 'status', p_status, 'cost', p_cost,
        'ms', (extract(epoch from v_now - coalesce(p_job.submitted_at, v_now)) * 1000)::bigint
      )
    ),
    p_status = 'ok'
  );
  if p_job.is_sold and p_cost > 0 then
    update public.monthly_api_usage as m
       set day_cost = greatest(m.day_cost - p_cost, 0)
     where m.user_id = p_job.user_id and m.month = date_trunc('month', v_day::timestamp)::date
       and m.provider = p_job.provider and m.model = p_job.model and not m.is_user_api_key;
    update public.daily_totals as t
       set sold_cost = t.sold_cost + p_cost
     where t.day = v_day and t.bot = p_job.bot and t.provider = p_job.provider and t.model = p_job.model
       and not t.is_user_api_key and t.shard = p_job.id & 15;
  end if;
end
$$;

revoke all on function private.record_generation_usage from public, anon, authenticated, service_role;
comment on function private.record_generation_usage is 'Records the call to the provider of a job';

-- Records the name that the provider gave to a job. From the worker that submitted it, or from a callback that came earlier
-- than that worker's answer, or after the worker had crashed. A job that has expired meanwhile keeps the name for a late
-- callback.
--
-- Concurrency: needs no lease, because the name belongs to the job, not to a worker. Both callers may record the same name.
--   Two jobs never have one name (unique index).
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'conflict' | 'over'   (conflict: the job, or another job, has another name or this name)
-- Errors: none.
create or replace function public.record_submission(p_id bigint, p_provider_job_id text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
  v_outcome text := case when v_job.provider_job_id is null then 'recorded' else 'known' end;
begin
  if v_job.id is null then
    return jsonb_build_object('outcome', 'over');
  elsif v_job.provider_job_id <> p_provider_job_id then
    return jsonb_build_object('outcome', 'conflict');
  end if;
  update public.generations as g
     set provider_job_id = p_provider_job_id,
         state = case g.state when 'submitting' then 'submitted' else g.state end,
         due_at = case
           when g.state in ('submitting', 'submitted') and not g.is_nudged then private.clock() + interval '10 seconds'
           when g.state in ('submitting', 'submitted') then private.clock()
           else g.due_at
         end,
         lease_until = case when g.state in ('submitting', 'submitted') then null else g.lease_until end
   where g.id = p_id;
  return jsonb_build_object('outcome', v_outcome);
exception when unique_violation then
  return jsonb_build_object('outcome', 'conflict');
end
$$;

revoke all on function public.record_submission from public, anon, authenticated, service_role;
grant execute on function public.record_submission to bot_backend;
comment on function public.record_submission is 'Records the name that the provider gave to a job';

-- Gives back everything that a job still holds, once.
--
-- Concurrency: the caller has locked the job and its user; see private.return_generation_price.
-- Locks: as private.return_generation_price.
-- Returns: void
-- Errors: none.
create or replace function private.release_generation(p_job public.generations)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_held record;
begin
  select
    sum(e.plan_requests)::integer as plan_requests,
    sum(e.bonus_requests)::integer as bonus_requests,
    sum(e.amount) as amount
    into v_held
    from public.generation_effects as e
   where e.generation_id = p_job.id;
  perform private.return_generation_price(
    p_job, 'released', v_held.plan_requests, v_held.bonus_requests, v_held.amount
  );
end
$$;

revoke all on function private.release_generation from public, anon, authenticated, service_role;
comment on function private.release_generation is 'Gives back everything that a job still holds';

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
--     | 'too_many_refusals'     (refused: no requests left; in_progress: questions to the AI)
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
    if v_outcome is not null then
      perform private.alert_cost_limit(
        p_bot, (v_now at time zone private.setting('quota_timezone'))::date, v_outcome, p_user_id
      );
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
      v_now + make_interval(mins => private.setting('generation_' || p_kind || '_minutes')::integer), v_now
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

-- Returns a job whose request provably did not reach the provider to the state reserved, to be sent again after p_seconds.
--
-- Concurrency: see private.lease_generation. A callback that has named the job meanwhile keeps it submitted.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
-- Errors: none.
create or replace function public.retry_submission(p_id bigint, p_attempt integer, p_seconds integer, p_error text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
begin
  if v_job.state is distinct from 'submitting' then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  update public.generations as g
     set state = 'reserved',
         due_at = private.clock() + make_interval(secs => p_seconds),
         lease_until = null,
         submitted_at = null,
         error = left(p_error, 1000)
   where g.id = p_id;
  return jsonb_build_object('outcome', 'recorded');
end
$$;

revoke all on function public.retry_submission from public, anon, authenticated, service_role;
grant execute on function public.retry_submission to bot_backend;
comment on function public.retry_submission is 'Returns a job that did not reach its provider to the state reserved';

-- Gives back a part of what a job took, as one effect: requests to where they came from on the day they counted for, an
-- amount to the balance.
--
-- Concurrency: the caller has locked the job and its user. An effect exists once, and a second call gives nothing back.
-- Locks: as private.release_usage and public.adjust_balance.
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.return_generation_price(
  p_job public.generations, p_effect text, p_plan_requests integer, p_bonus_requests integer, p_amount numeric
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.generation_effects (generation_id, effect, plan_requests, bonus_requests, amount)
  values (p_job.id, p_effect, -p_plan_requests, -p_bonus_requests, -p_amount)
  on conflict (generation_id, effect) do nothing;
  if not found then
    return;
  end if;
  for v_number in 1 .. p_plan_requests loop
    perform private.release_usage(p_job.user_id, p_job.bot, p_job.day, 'plan');
  end loop;
  for v_number in 1 .. p_bonus_requests loop
    perform private.release_usage(p_job.user_id, p_job.bot, p_job.day, 'bonus');
  end loop;
  if p_amount > 0 then
    perform public.adjust_balance(
      (select u.telegram_id from public.users as u where u.id = p_job.user_id),
      p_amount, 'generation', format('generations:%s:%s', p_job.id, p_effect)
    );
  end if;
end
$$;

revoke all on function private.return_generation_price from public, anon, authenticated, service_role;
comment on function private.return_generation_price is 'Gives back a part of what a job took';

-- Saves the id of the message that says that a job is in progress. When the job is over by then, the message is deleted.
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
  return jsonb_build_object(
    'outgoing', case when v_job.ended_at is not null then private.delete_status_message(v_job) else '[]'::jsonb end
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
    'outcome', 'settled', 'is_late', v_job.is_late, 'generation', private.generation_state(v_job)
  );
end
$$;

revoke all on function public.settle_generation from public, anon, authenticated, service_role;
grant execute on function public.settle_generation to bot_backend;
comment on function public.settle_generation is 'Charges a job whose files are stored';

-- Takes the price of a new job: requests, one by one from the plan while it has some, then bonus credits
-- (private.reserve_usage), or an amount of the balance. It is the most that the job can cost its user.
-- When it is not left completely, nothing is taken.
--
-- Concurrency: the caller has locked the user and just inserted the job.
-- Locks: job, as private.reserve_usage and public.adjust_balance.
-- Returns: text, 'taken', or why not: 'refused' (no requests left), 'no_balance', 'in_progress' (questions to the AI).
-- Errors: none.
create or replace function private.take_generation_price(
  p_job public.generations, p_user public.users, p_update_id bigint, p_requests integer, p_amount numeric
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_quota record;
  v_reserved record;
  v_plan_requests integer := 0;
begin
  if p_requests > 0 then
    v_quota := private.quota(p_user.id, p_user.vip_level);
    -- Null where the plan has no limit.
    if p_requests > p_user.bonus_credits + greatest(
      least(v_quota.daily_requests - v_quota.requests, v_quota.monthly_requests - v_quota.month_requests), 0
    ) and coalesce(v_quota.daily_requests, v_quota.monthly_requests) is not null then
      return 'refused';
    end if;
  end if;
  for v_number in 1 .. p_requests loop
    -- The cost limits are checked by the caller (private.generation_cost_limit), which knows other jobs.
    v_reserved := private.reserve_usage(
      p_job.user_id, p_job.bot, p_update_id, 0, false, private.setting('quota_timezone')
    );
    if v_reserved.reservation <> 'reserved' then
      return v_reserved.reservation;
    end if;
    v_plan_requests := v_plan_requests + (v_reserved.reserved_from = 'plan')::integer;
  end loop;
  if p_requests > 0 then
    update public.generations as g set day = v_reserved.reserved_on where g.id = p_job.id;
  elsif p_amount > p_user.balance then
    return 'no_balance';
  elsif p_amount > 0 then
    perform public.adjust_balance(
      p_user.telegram_id, -p_amount, 'generation', format('generations:%s:reserved', p_job.id)
    );
  end if;
  insert into public.generation_effects (generation_id, effect, plan_requests, bonus_requests, amount)
  values (p_job.id, 'reserved', v_plan_requests, p_requests - v_plan_requests, p_amount);
  return 'taken';
end
$$;

revoke all on function private.take_generation_price from public, anon, authenticated, service_role;
comment on function private.take_generation_price is 'Takes the price of a new job';

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Returns what a bot spent on AI calls on a day, in US dollars, without the calls on user API keys and without what users
-- paid for from their balance.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, the sum over the bot's rows of the day.
-- Errors: none.
create or replace function private.bot_cost(p_bot text, p_day date)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(sum(t.cost - t.sold_cost), 0)
      from public.daily_totals as t
     where t.day = p_day and t.bot = p_bot and not t.is_user_api_key
  );
end
$$;

revoke all on function private.bot_cost from public, anon, authenticated, service_role;
comment on function private.bot_cost is 'Returns what a bot spent on AI calls on a day';

comment on column public.daily_totals.sold_cost is 'Part of cost that users paid for from their balance; the daily cost limits leave it out';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "daily_generation_refusals", "about": "Refused pictures and videos in 24 hours after which a user has to wait", "value": 10}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "generation_image_minutes", "about": "Minutes until an unfinished picture expires and its price is released", "value": 10}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "generation_video_minutes", "about": "Minutes until an unfinished video expires and its price is released", "value": 45}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "generations_in_progress", "about": "Pictures that a user may have in progress at once, over all chats and bots, and as many videos", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "retention_generations_days", "about": "Days that pictures and videos and the requests for them are kept", "value": 180}') on conflict do nothing;
