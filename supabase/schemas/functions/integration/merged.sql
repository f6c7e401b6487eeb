-- Merges two JSON objects key by key; a key whose new value is null is removed. A null change leaves the first as it
-- is; with p_replace the change takes its place.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, the object.
-- Errors: none.
create or replace function private.merged(p_old jsonb, p_change jsonb, p_replace boolean)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_change is null then p_old
    when p_replace then p_change
    else (
      select coalesce(jsonb_object_agg(e.key, e.value), '{}'::jsonb)
        from jsonb_each(p_old || p_change) as e
       where not (p_change ? e.key and e.value = 'null')
    )
  end;
$$;

revoke all on function private.merged from public, anon, authenticated, service_role;
comment on function private.merged is 'Merges two JSON objects key by key';
