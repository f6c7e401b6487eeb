-- Returns how many messages of a broadcast were sent and clicked in each of its first 48 hours. Written when they are sent
-- (private.count_broadcast_hour), not counted from the recipients.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, [{ at, sent, clicked }]
-- Errors: none.
create or replace function private.broadcast_hours(p_broadcast public.broadcasts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(jsonb_build_object('at', h.hour, 'sent', h.sent, 'clicked', h.clicked) order by h.hour), '[]'::jsonb
  )
  from (
    select t.hour, t.sent, t.clicked
      from public.broadcast_hours as t
     where t.broadcast_id = p_broadcast.id
     order by t.hour
     limit 48
  ) as h;
$$;

revoke all on function private.broadcast_hours from public, anon, authenticated, service_role;
comment on function private.broadcast_hours is 'Messages and clicks of a broadcast by hour';
