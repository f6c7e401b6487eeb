-- Marks the shared pages of a user as withdrawn whose messages are no longer what they were. They have not opened since that
-- change; the mark removes them from the list and from the limit.
--
-- Concurrency: the digest decides, so a repetition changes nothing.
-- Locks: the pages.
-- Returns: void
-- Errors: none.
create or replace function private.withdraw_changed_pages(p_user_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.shared_conversations as s
     set withdrawn_at = private.clock(), title = null
   where s.user_id = p_user_id and s.withdrawn_at is null
     and (private.shared_messages(s)).digest is distinct from s.digest;
$$;

revoke all on function private.withdraw_changed_pages from public, anon, authenticated, service_role;
comment on function private.withdraw_changed_pages is 'Marks shared pages whose messages have changed as withdrawn';
