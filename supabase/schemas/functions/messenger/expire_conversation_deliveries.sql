-- Makes messages unknown whose sender died: their lease ran out, and they may have arrived or not. Files that only a page had
-- fail after ten minutes in the queue, and answers of the bot whose outbox item is gone after a day.
--
-- Concurrency: conversations that are locked at the moment are left to the next run.
-- Locks: conversations (FOR UPDATE SKIP LOCKED), one after another.
-- Returns: jsonb
--   unknown: int
--   failed: int
-- Errors: none.
create or replace function public.expire_conversation_deliveries(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_candidate record;
  v_status text;
  v_unknown integer := 0;
  v_failed integer := 0;
begin
  for v_candidate in
    (
      select m.id, m.conversation_id
        from public.conversation_messages as m
       where m.status = 'sending' and m.lease_until < v_now
       limit p_limit
    )
    union all
    (
      select m.id, m.conversation_id
        from public.conversation_messages as m
       where m.status = 'queued' and m.outbox_id is null and m.send_after < v_now - interval '10 minutes' and m.media ? 'upload'
       limit p_limit
    )
    union all
    (
      select m.id, m.conversation_id
        from public.conversation_messages as m
       where m.outbox_id is not null and not exists (select from public.telegram_outbox as o where o.id = m.outbox_id)
       limit p_limit
    )
  loop
    perform from public.conversations as c where c.id = v_candidate.conversation_id for update skip locked;
    continue when not found;
    update public.conversation_messages as m
       set status = case m.status when 'sending' then 'unknown' else 'failed' end,
           error = case when m.status = 'sending' then m.error when m.outbox_id is not null then 'expired' else 'upload_lost' end,
           outbox_id = null,
           lease_until = null,
           version = private.touch_conversation(m.conversation_id)
     where m.id = v_candidate.id
       and (
         m.status = 'sending' and m.lease_until < v_now
         or m.status = 'queued' and (m.media ? 'upload' or m.outbox_id is not null)
       )
    returning m.status into v_status;
    v_unknown := v_unknown + (v_status is not distinct from 'unknown')::integer;
    v_failed := v_failed + (v_status is not distinct from 'failed')::integer;
  end loop;
  return jsonb_build_object('unknown', v_unknown, 'failed', v_failed);
end
$$;

revoke all on function public.expire_conversation_deliveries from public, anon, authenticated, service_role;
grant execute on function public.expire_conversation_deliveries to bot_backend;
comment on function public.expire_conversation_deliveries is 'Makes messages unknown whose sender died';
