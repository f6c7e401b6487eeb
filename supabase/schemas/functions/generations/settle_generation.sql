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
