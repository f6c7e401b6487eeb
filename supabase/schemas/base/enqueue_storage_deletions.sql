-- Trigger of stored_files: puts the keys of deleted rows into the queue of deletions, whatever deleted them: retention,
-- an erasure (foreign key) or an administrator.
--
-- Concurrency: a key that is queued already stays queued. An upload may be running while its row is deleted, so its
--   object is deleted ten minutes later: uploads have a deadline of two minutes (shared/storage/client.py).
-- Locks: none beyond the new rows.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.enqueue_storage_deletions()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.storage_deletions (key, next_attempt_at)
  select o.key, private.clock() + case when o.status = 'uploading' then interval '10 minutes' else interval '0' end
    from old_files as o
   order by o.key
  on conflict (key) do nothing;
  return null;
end
$$;

revoke all on function private.enqueue_storage_deletions from public, anon, authenticated, service_role;
comment on function private.enqueue_storage_deletions is 'Queues the objects of deleted files for deletion';
