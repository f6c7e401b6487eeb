-- Keeps what was written once as it was written. Only letting go of an erased person is allowed, and of what an
-- admin wrote about them in words of their own (reason, in before and after).
--
-- Twice or at once: changes nothing itself.
-- Returns: the row, when its user_id became null and nothing else changed but for that.
-- Errors: T0001, the row cannot be changed.
create or replace function private.refuse_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_nobodys jsonb;
begin
  if tg_op = 'UPDATE' and (to_jsonb(old) ->> 'user_id') is not null then
    v_nobodys := jsonb_set(to_jsonb(old), '{user_id}', 'null');
    if to_jsonb(new) in (v_nobodys, v_nobodys #- '{before,reason}' #- '{after,reason}') then
      return new;
    end if;
  end if;
  raise exception '% is written once', tg_table_name using errcode = 'T0001';
end
$$;

revoke all on function private.refuse_change from public, anon, authenticated, service_role;
comment on function private.refuse_change is 'Keeps what was written once as it was written';
