-- Returns the labels for conversations, by name, for a member of the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, name: text, color: text, conversations: int } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_messenger_labels(p_actor_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', l.id, 'name', l.name, 'color', l.color,
            'conversations', (select count(*) from public.conversation_labels as k where k.label_id = l.id)
          )
          order by lower(l.name)
        ),
        '[]'::jsonb
      )
      from public.messenger_labels as l
  );
end
$$;

revoke all on function public.list_messenger_labels from public, anon, authenticated, service_role;
grant execute on function public.list_messenger_labels to bot_backend;
comment on function public.list_messenger_labels is 'Returns the labels for conversations';
