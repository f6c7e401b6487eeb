-- Clears the request counters of tombstones that are older than 32 days, and deletes the tombstones that hold nothing
-- else.
--
-- Concurrency: rows that another sweep or a returning user has locked are skipped.
-- Locks: erased_users (FOR UPDATE SKIP LOCKED), by erased_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.expire_tombstones(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_hashes bytea[];
begin
  select array_agg(o.user_hash) into v_hashes
    from (
      select e.user_hash
        from public.erased_users as e
       where e.usage <> '{}' and e.erased_at < (select private.clock()) - interval '32 days'
       order by e.erased_at
       limit p_limit
         for update skip locked
    ) as o;
  delete from public.erased_users as e where e.user_hash = any(v_hashes) and e.used = '{}';
  update public.erased_users as e set usage = '{}' where e.user_hash = any(v_hashes);
  return coalesce(cardinality(v_hashes), 0);
end
$$;

revoke all on function private.expire_tombstones from public, anon, authenticated, service_role;
comment on function private.expire_tombstones is 'Clears the request counters of old tombstones';
