-- Returns whether JSON is the files of a lesson (lessons.files): at most 100, each with a name, a reference, and perhaps its size.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_file_list(p_files jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_file jsonb;
begin
  if jsonb_typeof(p_files) is distinct from 'array' or jsonb_array_length(p_files) > 100 then
    return false;
  end if;
  for v_file in select f.value from jsonb_array_elements(p_files) as f (value) loop
    if jsonb_typeof(v_file) <> 'object'
      or jsonb_typeof(v_file -> 'name') is distinct from 'string' or v_file ->> 'name' !~ '[^[:space:]]'
      or jsonb_typeof(v_file -> 'reference') is distinct from 'string' or v_file ->> 'reference' = ''
      or (v_file ? 'size' and (jsonb_typeof(v_file -> 'size') <> 'number' or v_file ->> 'size' !~ '^[0-9]{1,12}$'))
    then
      return false;
    end if;
  end loop;
  return true;
end
$$;

revoke all on function private.is_file_list from public, anon, authenticated, service_role;
comment on function private.is_file_list is 'Whether JSON is the files of a lesson';
