-- Keeps what was written once as it was written. Only letting go of an erased person is allowed.
--
-- Twice or at once: changes nothing itself.
-- Returns: the row, when its user_id became null and nothing else changed.
-- Errors: T0001, the row cannot be changed.
create or replace function private.refuse_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE'
    and (to_jsonb(old) ->> 'user_id') is not null
    and to_jsonb(new) = jsonb_set(to_jsonb(old), '{user_id}', 'null')
  then
    return new;
  end if;
  raise exception '% is written once', tg_table_name using errcode = 'T0001';
end
$$;

revoke all on function private.refuse_change from public, anon, authenticated;
comment on function private.refuse_change is 'Keeps what was written once as it was written';
