-- Removes everything personal from an update, and deletes its outbox items. Bot and update_id stay, so a redelivery
-- is recognised and gets an empty 200.
--
-- Concurrency: the caller holds the update row. A worker that still processes the update has lost it, because the
--   attempt changes.
-- Locks: outbox items, then update row.
-- Returns: void
-- Errors: none.
create or replace function private.anonymize_update(p_bot text, p_update_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  delete from public.telegram_outbox as o where o.bot = p_bot and o.update_id = p_update_id;
  update public.telegram_updates as t
     set status = 'finished',
         attempt = t.attempt + 1,
         chat_id = null,
         thread_id = 0,
         user_id = null,
         payload = null,
         delivery = null,
         lease_until = null,
         reservation = null,
         reserved_on = null,
         reserved_from = null,
         reserved_cost = null,
         answer = null,
         error = null
   where t.bot = p_bot and t.update_id = p_update_id;
$$;

revoke all on function private.anonymize_update from public, anon, authenticated, service_role;
comment on function private.anonymize_update is 'Removes everything personal from an update';
