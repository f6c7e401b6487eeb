-- Records an update's calls to AI providers: a row per call, and the counters of the user and the day.
--
-- p_usage: [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in, tokens_out, cost,
-- is_user_api_key}] in the order of the calls; the last one produced the answer, if any did. p_is_settled: a reserved
-- request was served. On a user API key nothing is reserved, and the status of the last call decides. A figure that
-- is not a number, is negative or exceeds its column is left out (0 where the column needs a number), because a
-- provider's report must never undo its answer.
--
-- Concurrency: the caller holds the update row and calls once, in the transaction that finishes it. All updates take
--   the counters in the same order, and one update only one of the sixteen rows of a figure.
-- Locks: daily_usage, monthly_api_usage by provider, model and is_user_api_key, then daily_totals in the same order.
-- Returns: void
-- Errors: none.
create or replace function private.record_usage(
  p_update public.telegram_updates, p_usage jsonb, p_is_settled boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_day date;
  v_shard integer := p_update.update_id & 15;
  v_last jsonb := p_usage -> -1;
  v_is_own boolean := coalesce((p_usage -> -1 ->> 'is_user_api_key')::boolean, false);
  v_requests integer := (p_is_settled or (v_is_own and v_last ->> 'status' in ('ok', 'part')))::integer;
begin
  if v_last is null and v_requests = 0 then
    return;
  end if;
  v_now := private.clock();
  v_day := (v_now at time zone private.setting('quota_timezone'))::date;

  if v_is_own and v_requests > 0 then
    insert into public.daily_usage as u (user_id, bot, day, user_api_key_requests)
    values (p_update.user_id, p_update.bot, v_day, 1)
    on conflict (user_id, day, bot) do update set user_api_key_requests = u.user_api_key_requests + 1;
  end if;
  if v_last is null then
    insert into public.daily_totals as t (day, bot, provider, model, is_user_api_key, shard, requests)
    values (v_day, p_update.bot, '', '', false, v_shard, v_requests)
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests;
    return;
  end if;

  with calls as (
    select
      coalesce(c.provider, '') as provider,
      coalesce(c.model, '') as model,
      case when c.kind in ('image', 'video') then c.kind else 'chat' end as kind,
      coalesce(c.status, '') as status,
      coalesce(c.is_user_api_key, false) as is_user_api_key,
      coalesce(private.usage_count(c.ms), 0) as ms,
      coalesce(private.usage_count(c.request_bytes), 0) as request_bytes,
      coalesce(private.usage_count(c.response_bytes), 0) as response_bytes,
      private.usage_count(c.tokens_in) as tokens_in,
      private.usage_count(c.tokens_out) as tokens_out,
      private.usage_cost(c.cost) as cost
      from jsonb_to_recordset(p_usage) as c (
        provider text, model text, kind text, status text, ms text, request_bytes text,
        response_bytes text, tokens_in text, tokens_out text, cost text, is_user_api_key boolean
      )
  ), written as (
    insert into public.api_usage (
      user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes,
      tokens_in, tokens_out, cost, is_user_api_key, created_at
    )
    select
      p_update.user_id, p_update.bot, c.provider, c.model, c.kind, c.status, c.ms, c.request_bytes,
      c.response_bytes, c.tokens_in, c.tokens_out, c.cost, c.is_user_api_key, v_now
      from calls as c
  ), sums as (
    select
      c.provider, c.model, c.is_user_api_key,
      count(*) as calls,
      count(*) filter (where c.status not in ('ok', 'part')) as errors,
      coalesce(sum(c.tokens_in), 0) as tokens_in,
      coalesce(sum(c.tokens_out), 0) as tokens_out,
      coalesce(sum(c.cost), 0) as cost,
      sum(c.ms) as ms
      from calls as c
     group by c.provider, c.model, c.is_user_api_key
  ), months as (
    insert into public.monthly_api_usage as m
      (user_id, month, provider, model, is_user_api_key, calls, errors, tokens_in, tokens_out, cost, ms, day, day_cost)
    select
      p_update.user_id, date_trunc('month', v_day::timestamp)::date, s.provider, s.model, s.is_user_api_key,
      s.calls, s.errors, s.tokens_in, s.tokens_out, s.cost, s.ms, v_day, s.cost
      from sums as s
     order by s.provider, s.model, s.is_user_api_key
    on conflict (user_id, month, provider, model, is_user_api_key) do update
      set calls = m.calls + excluded.calls,
          errors = m.errors + excluded.errors,
          tokens_in = m.tokens_in + excluded.tokens_in,
          tokens_out = m.tokens_out + excluded.tokens_out,
          cost = m.cost + excluded.cost,
          ms = m.ms + excluded.ms,
          day = excluded.day,
          day_cost = excluded.day_cost + case when m.day = excluded.day then m.day_cost else 0 end
  )
  insert into public.daily_totals as t (
    day, bot, provider, model, is_user_api_key, shard,
    requests, calls, errors, tokens_in, tokens_out, cost, ms
  )
  select
    v_day, p_update.bot, s.provider, s.model, s.is_user_api_key, v_shard,
    case
      when s.provider = v_last ->> 'provider' and s.model = v_last ->> 'model' and s.is_user_api_key = v_is_own
      then v_requests
      else 0
    end,
    s.calls, s.errors, s.tokens_in, s.tokens_out, s.cost, s.ms
    from sums as s
   order by s.provider, s.model, s.is_user_api_key
  on conflict (day, bot, provider, model, is_user_api_key, shard) do update
    set requests = t.requests + excluded.requests,
        calls = t.calls + excluded.calls,
        errors = t.errors + excluded.errors,
        tokens_in = t.tokens_in + excluded.tokens_in,
        tokens_out = t.tokens_out + excluded.tokens_out,
        cost = t.cost + excluded.cost,
        ms = t.ms + excluded.ms;
end
$$;

revoke all on function private.record_usage from public, anon, authenticated, service_role;
comment on function private.record_usage is 'Records an update''s calls to AI providers and their sums';
