-- Counts a purchase for the broadcasts that the buyer received within broadcast_purchase_days, and for sequences: the buyer leaves
-- those that a purchase ends, and enters those of the purchase.
--
-- Concurrency: the caller holds the user's row and calls once per payment.
-- Locks: recipients, runs, broadcasts by id.
-- Returns: void
-- Errors: none.
create or replace function private.on_purchase(p_user_id bigint, p_order_id bigint, p_kind text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_broadcast_id bigint;
begin
  update public.sequence_runs as q
     set bought_at = coalesce(q.bought_at, v_now), due_at = least(q.due_at, v_now)
   where q.user_id = p_user_id and q.status = 'active';
  for v_broadcast_id in
    with bought as (
      update public.broadcast_recipients as r
         set bought_at = v_now
       where r.user_id = p_user_id
         and r.bought_at is null
         and r.status in ('sent', 'unknown')
         and r.sent_at > v_now - make_interval(days => private.setting('broadcast_purchase_days')::integer)
      returning r.broadcast_id
    )
    select b.broadcast_id from bought as b order by b.broadcast_id
  loop
    update public.broadcasts as b set bought = b.bought + 1 where b.id = v_broadcast_id;
  end loop;
  if p_kind = 'course' then
    perform private.enter_sequences(p_user_id, 'course_bought');
  end if;
  if not exists (
    select from public.orders as o where o.user_id = p_user_id and o.status = 'completed' and o.id <> p_order_id
  ) then
    perform private.enter_sequences(p_user_id, 'first_payment');
  end if;
end
$$;

revoke all on function private.on_purchase from public, anon, authenticated, service_role;
comment on function private.on_purchase is 'Counts a purchase for broadcasts and sequences';
