-- Lists the devices on which a user is logged in, the last used first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: int
--     way: text
--     device: text
--     created_at: timestamptz
--     last_seen_at: timestamptz
--   } ]
-- Errors: none.
create or replace function public.list_user_sessions(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', s.id, 'way', s.way, 'device', s.device, 'created_at', s.created_at, 'last_seen_at', s.last_seen_at
      )
      order by s.last_seen_at desc, s.id desc
    ),
    '[]'::jsonb
  )
    from (
      select s.*
        from public.user_sessions as s
       where s.user_id = p_user_id and s.expires_at > private.clock()
       order by s.last_seen_at desc, s.id desc
       limit 100
    ) as s;
$$;

revoke all on function public.list_user_sessions from public, anon, authenticated, service_role;
grant execute on function public.list_user_sessions to bot_backend;
comment on function public.list_user_sessions is 'Lists the devices on which a user is logged in';
