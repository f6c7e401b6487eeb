-- Deletes sessions that have ended, logins older than a day, and proofs that are too old to be accepted.
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: sessions, then logins, then proofs (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many; p_limit of each kind at most.
-- Errors: none.
create or replace function private.delete_old_logins(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_deleted integer;
begin
  with
    sessions as (
      select s.id from public.user_sessions as s where s.expires_at <= v_now
       order by s.expires_at limit p_limit for update skip locked
    ),
    attempts as (
      select a.public_hash from public.login_attempts as a where a.created_at < v_now - interval '1 day'
       order by a.created_at limit p_limit for update skip locked
    ),
    proofs as (
      select p.proof_hash from public.login_proofs as p where p.expires_at <= v_now
       order by p.expires_at limit p_limit for update skip locked
    ),
    ended as (delete from public.user_sessions as s using sessions as o where s.id = o.id returning 1),
    old as (delete from public.login_attempts as a using attempts as o where a.public_hash = o.public_hash returning 1),
    used as (delete from public.login_proofs as p using proofs as o where p.proof_hash = o.proof_hash returning 1)
  select (select count(*) from ended) + (select count(*) from old) + (select count(*) from used) into v_deleted;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_logins from public, anon, authenticated, service_role;
comment on function private.delete_old_logins is 'Deletes sessions, logins and proofs that are over';
