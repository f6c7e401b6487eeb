-- Returns which other members of the staff have a conversation open right now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, name: text, is_typing: boolean } ]
-- Errors: none.
create or replace function private.conversation_viewers(p_conversation_id bigint, p_actor_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', u.id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name),
          'is_typing', coalesce(p.typing_until > private.clock(), false)
        )
        order by u.id
      ),
      '[]'::jsonb
    )
    from public.conversation_presence as p
    join public.users as u on u.id = p.operator_id
   where p.conversation_id = p_conversation_id and p.operator_id <> p_actor_id and p.seen_until > private.clock();
$$;

revoke all on function private.conversation_viewers from public, anon, authenticated, service_role;
comment on function private.conversation_viewers is 'Returns who has a conversation open right now';
