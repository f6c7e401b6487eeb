-- Stores an update, or finds it, and decides whether this delivery processes it; if so, takes the lease. A row older
-- than 48 hours never counts as a duplicate, because Telegram may restart the numbering after a quiet week.
--
-- p_reservation, p_reserved_on, p_reserved_cost: the reservation that a new row is stored with (of the plan, where
-- p_reserved_on is set). The caller takes the request, or corrects the row, in the same transaction.
--
-- Concurrency: deliveries of one update meet in the primary key and then in its row lock, so one of them processes it
--   and the others get the state of the row. A repeated call of the same delivery, whose first response was lost,
--   keeps the lease it has.
-- Locks: update row (FOR UPDATE).
-- Returns: record, outcome (work | busy | finished | crash_limit: its fifth worker crashed), is_new (this call stored the
--   row) and the columns of a row that it found.
-- Errors: none.
create or replace function private.claim_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_user_id bigint,
  p_payload jsonb,
  p_lease_seconds integer,
  p_now timestamptz,
  p_thread bigint,
  p_reservation text,
  p_reserved_on date,
  p_reserved_cost numeric,
  out outcome text,
  out is_new boolean,
  out attempt integer,
  out failures integer,
  out crash_count integer,
  out reservation text,
  out received_at timestamptz,
  out lease_until timestamptz
)
returns record
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := p_now;
  v_update public.telegram_updates;
begin
  is_new := true;
  attempt := 1;
  failures := 0;
  crash_count := 0;
  received_at := p_now;
  lease_until := p_now + make_interval(secs => p_lease_seconds);
  loop
    insert into public.telegram_updates as t
      (bot, update_id, kind, status, chat_id, thread_id, user_id, payload, delivery, lease_until, received_at,
       reservation, reserved_on, reserved_from, reserved_cost)
    values (
      p_bot, p_update_id, p_kind, 'working', p_chat_id, p_thread, p_user_id, p_payload, p_delivery,
      claim_update.lease_until, p_now,
      p_reservation, p_reserved_on, case when p_reserved_on is not null then 'plan' end, p_reserved_cost
    )
    on conflict (bot, update_id) do nothing;
    if found then
      outcome := 'work';
      return;
    end if;

    select t.* into v_update
      from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       for update;
    exit when found and v_update.received_at >= private.clock() - interval '48 hours';
    -- The row vanished between the two statements, or is an older update with the same number. The condition on
    -- received_at spares a new row that a concurrent delivery has inserted.
    delete from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       and t.received_at < private.clock() - interval '48 hours';
  end loop;
  is_new := false;
  v_now := private.clock();  -- waiting for the lock takes time

  if v_update.status in ('finished', 'dead_lettered') then
    outcome := 'finished';
  elsif v_update.status = 'working' and v_update.delivery = p_delivery then
    outcome := 'work';
  elsif v_update.status = 'working' and v_update.lease_until > v_now then
    outcome := 'busy';
  else
    update public.telegram_updates as t
       set status = 'working',
           delivery = p_delivery,
           attempt = t.attempt + 1,
           crash_count = t.crash_count + (t.status = 'working')::integer,
           lease_until = claim_update.lease_until
     where t.bot = p_bot and t.update_id = p_update_id
    returning t.* into v_update;
    outcome := case when v_update.crash_count >= 5 then 'crash_limit' else 'work' end;
  end if;
  attempt := v_update.attempt;
  failures := v_update.failures;
  crash_count := v_update.crash_count;
  reservation := v_update.reservation;
  received_at := v_update.received_at;
  lease_until := v_update.lease_until;
end
$$;

revoke all on function private.claim_update from public, anon, authenticated, service_role;
comment on function private.claim_update is 'Stores an update, or finds it, and takes a free lease';
