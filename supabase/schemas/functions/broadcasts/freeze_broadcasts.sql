-- Freezes recipients of the oldest broadcast that was started, among the next p_limit users; the last part makes it run, or
-- wait for a second admin.
--
-- Concurrency: the broadcast is locked, skipped by other runs, and remembers how far it is: a run that is killed loses its part
--   alone, and the next one repeats it.
-- Locks: broadcast (FOR UPDATE SKIP LOCKED), then users (KEY SHARE), by id.
-- Returns: jsonb
--   is_open: boolean          (false: nothing is left to freeze)
-- Errors: none.
create or replace function public.freeze_broadcasts(p_limit integer default 10000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.broadcasts;
  v_last bigint;
  v_count bigint;
begin
  select b.*
    into v_row
    from public.broadcasts as b
   where b.status = 'freezing'
   order by b.id
   limit 1
     for update skip locked;
  if not found then
    return jsonb_build_object('is_open', false);
  end if;
  select max(r.id)
    into v_last
    from (
      select u.id
        from public.users as u
       where u.id > v_row.frozen_after and u.id <= v_row.freeze_until
       order by u.id
       limit p_limit
    ) as r;
  if v_last is null then
    perform private.open_broadcast(v_row);
    return jsonb_build_object('is_open', true);
  end if;
  execute format(
    'insert into public.broadcast_recipients (broadcast_id, user_id, bot, send_after)
     select $5, a.user_id, a.bot, private.after_quiet_hours($6, coalesce(z.next_time_zone, z.time_zone, $7), $8, $9)
       from (%s) as a
       left join public.streaks as z on z.user_id = a.user_id
      order by a.user_id
     on conflict (broadcast_id, user_id) do nothing',
    private.audience_query(v_row.segment)
  )
    using v_row.frozen_after, v_last, v_row.bot, v_row.kind, v_row.id, v_now, private.setting('quota_timezone'),
          private.setting('broadcast_quiet_from')::integer, private.setting('broadcast_quiet_until')::integer;
  get diagnostics v_count = row_count;
  update public.broadcasts as b
     set frozen_after = v_last, total = b.total + v_count
   where b.id = v_row.id;
  return jsonb_build_object('is_open', true);
end
$$;

revoke all on function public.freeze_broadcasts from public, anon, authenticated, service_role;
grant execute on function public.freeze_broadcasts to bot_backend;
comment on function public.freeze_broadcasts is 'Freezes the recipients of a broadcast that was started, part by part';
