-- Reserves a job and takes its price, which is the most that it can cost its user.
--
-- p_request: prompt, references and options, as the provider gets them. p_requests or p_amount: the price in requests, or in
-- the currency of the balance; the user was shown it. p_max_cost: the US dollars that stand behind the price; when the
-- provider charges less, the price shrinks in proportion. Null: it does not. p_update_id: the update that asks.
-- Cost limits and budgets hold for what the bot pays: not for a job with request.user_api_key, nor for one paid from the balance.
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
  elsif p_amount = 0 and not p_request ? 'user_api_key' then
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
