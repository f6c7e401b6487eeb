-- Whether a user belongs to a segment.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: Q0001 the segment is invalid.
create or replace function private.is_in_segment(p_user_id bigint, p_segment jsonb)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found boolean;
begin
  if p_segment = '{}' then
    return true;
  end if;
  execute format(
    'select exists (select from public.users as u left join public.message_consents as c on c.user_id = u.id'
    ' where u.id = $1 and %s)', private.segment_condition(p_segment)
  ) into v_found using p_user_id;
  return v_found;
end
$$;

revoke all on function private.is_in_segment from public, anon, authenticated, service_role;
comment on function private.is_in_segment is 'Whether a user belongs to a segment';
