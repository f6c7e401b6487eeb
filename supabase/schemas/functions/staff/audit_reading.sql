-- Records that a member of the staff read or exported data of users: one entry per account, action, subject and hour. Its
-- action begins with read_ or export_.
--
-- Concurrency: the reference is unique; the second call within the hour changes nothing.
-- Locks: none but the new row.
-- Returns: void
-- Errors: none.
create or replace function private.audit_reading(
  p_account text, p_action text, p_subject text, p_user_id bigint default null, p_values jsonb default '{}'
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.audit_log (admin_email, action, user_id, reference, before, after)
  values (
    p_account, p_action, p_user_id,
    format('%s:%s:%s:%s', p_action, p_account, p_subject, to_char(private.clock() at time zone 'UTC', 'YYYYMMDDHH24')),
    '{}', p_values
  )
  on conflict (reference) do nothing;
end
$$;

revoke all on function private.audit_reading from public, anon, authenticated, service_role;
comment on function private.audit_reading is 'Records that a member of the staff read or exported data of users';
