-- Marks messages whose lease has passed as unknown, finishes broadcasts without open recipients, and says which bots have
-- something to send now.
--
-- Concurrency: recipients that another transaction has locked are skipped; a broadcast is finished once.
-- Locks: recipients (skipped where locked), then broadcasts by id.
-- Returns: jsonb
--   bots: [ text ]
--   is_deleting: boolean       (messages that were sent are to be deleted)
-- Errors: none.
create or replace function public.prepare_broadcasts()
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_lost record;
begin
  for v_lost in
    with expired as (
      select r.broadcast_id, r.user_id, r.status
        from public.broadcast_recipients as r
       where r.status in ('sending', 'deleting') and r.lease_until < v_now
       order by r.broadcast_id, r.user_id
       limit 10000
         for update skip locked
    ), changed as (
      update public.broadcast_recipients as r
         set status = case e.status when 'sending' then 'unknown' else 'sent' end,
             lease_until = null,
             sent_at = case e.status when 'sending' then e.lease else r.sent_at end
        from (select x.*, v_now as lease from expired as x) as e
       where r.broadcast_id = e.broadcast_id and r.user_id = e.user_id
      returning r.broadcast_id, r.user_id, e.status
    )
    select c.broadcast_id,
           count(*) filter (where c.status = 'sending') as unknown,
           min(c.user_id) filter (where c.status = 'deleting') as undeleted
      from changed as c
     group by c.broadcast_id
     order by c.broadcast_id
  loop
    update public.broadcasts as b
       set unknown = b.unknown + v_lost.unknown, deleting_after = least(b.deleting_after, v_lost.undeleted - 1)
     where b.id = v_lost.broadcast_id;
  end loop;
  update public.broadcasts as b
     set status = 'done', finished_at = v_now, updated_at = v_now
   where b.status = 'running'
     and b.sequence_id is null
     and not exists (select from public.broadcast_recipients as r where r.broadcast_id = b.id and r.status = 'queued')
     and not exists (
       select from public.broadcast_recipients as r where r.broadcast_id = b.id and r.status in ('sending', 'deleting')
     );
  return jsonb_build_object(
    'bots', (
      select coalesce(jsonb_agg(k.bot order by k.bot), '[]'::jsonb)
        from (
          select distinct s.bot
            from public.broadcasts as b
           cross join lateral private.queued_bots(b.id, v_now) as s (bot)
           where b.status = 'running'
        ) as k
    ),
    'is_deleting', exists (select from public.broadcasts as b where b.deleting_after is not null)
  );
end
$$;

revoke all on function public.prepare_broadcasts from public, anon, authenticated, service_role;
grant execute on function public.prepare_broadcasts to bot_backend;
comment on function public.prepare_broadcasts is 'Ends leases and broadcasts, and says which bots have messages to send';
