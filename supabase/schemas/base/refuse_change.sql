-- Trigger of append-only tables: rejects updates and deletes. Only an erasure may update a row: user_id becomes null, and the
-- reason that an admin wrote (reason in before and after) may be removed with it.
--
-- Concurrency: changes nothing itself.
-- Locks: none.
-- Returns: trigger, the row if the update is the allowed one.
-- Errors: T0001 the row is immutable.
create or replace function private.refuse_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_anonymous jsonb;
begin
  if tg_op = 'UPDATE' and (to_jsonb(old) ->> 'user_id') is not null then
    v_anonymous := jsonb_set(to_jsonb(old), '{user_id}', 'null');
    if to_jsonb(new) in (v_anonymous, v_anonymous #- '{before,reason}' #- '{after,reason}') then
      return new;
    end if;
  end if;
  raise exception 'rows of % are immutable', tg_table_name using errcode = 'T0001';
end
$$;

revoke all on function private.refuse_change from public, anon, authenticated, service_role;
comment on function private.refuse_change is 'Rejects changes of rows in append-only tables';
