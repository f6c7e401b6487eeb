-- Counts messages and clicks of a broadcast in this hour.
--
-- Concurrency: an upsert of one row; concurrent calls add up.
-- Locks: the hour's row.
-- Returns: void
-- Errors: none.
create or replace function private.count_broadcast_hour(p_broadcast_id bigint, p_sent bigint, p_clicked bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.broadcast_hours as h (broadcast_id, hour, sent, clicked)
  values (p_broadcast_id, date_trunc('hour', private.clock()), p_sent, p_clicked)
  on conflict (broadcast_id, hour) do update
    set sent = h.sent + excluded.sent, clicked = h.clicked + excluded.clicked;
$$;

revoke all on function private.count_broadcast_hour from public, anon, authenticated, service_role;
comment on function private.count_broadcast_hour is 'Counts messages and clicks of a broadcast in this hour';
