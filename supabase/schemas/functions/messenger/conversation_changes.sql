-- Returns what changed in conversations since a page asked last, for a member of the staff; of one open conversation the new and
-- changed messages too.
--
-- p_after: the cursor of the answer before. p_conversation_id, p_version: the open conversation, and the last_version up to which
-- the page has its messages.
--
-- Concurrency: exact in any order of commits: a change carries the id of its transaction, and the cursor is the oldest
--   transaction that was still running. A conversation may come twice, unchanged; messages of the open one come once, because
--   versions follow the order of the commits. Rows of a restored database carry ids of the future and are left out until
--   they change.
-- Locks: none.
-- Returns: jsonb
--   cursor: text
--   conversations: [ private.conversation_row ]          (at most 200, the newest)
--   messages: [ private.conversation_message_row ]       (of the open conversation, by version; at most 200)
--   viewers: private.conversation_viewers | null
--   viewing: [ { conversation_id: bigint, name: text } ]     (other members who have a conversation open right now; at most 200)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.conversation_changes(p_actor_id bigint, p_after text, p_conversation_id bigint default null, p_version bigint default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_snapshot constant pg_snapshot := pg_current_snapshot();
begin
  perform private.require_staff(p_actor_id, 'operator');
  return jsonb_build_object(
    'cursor', pg_snapshot_xmin(v_snapshot)::text,
    'conversations', (
      select coalesce(jsonb_agg(private.conversation_row(f.c, p_actor_id) order by (f.c).last_message_at desc), '[]'::jsonb)
        from (
          select c
            from public.conversations as c
           where c.changed_xid >= p_after::xid8 and c.changed_xid < pg_snapshot_xmax(v_snapshot)
           order by c.last_message_at desc
           limit 200
        ) as f
    ),
    'messages', (
      select coalesce(jsonb_agg(private.conversation_message_row(f.m) order by (f.m).version), '[]'::jsonb)
        from (
          select m
            from public.conversation_messages as m
           where m.conversation_id = p_conversation_id and m.version > p_version
           order by m.version
           limit 200
        ) as f
    ),
    'viewers', case when p_conversation_id is not null then private.conversation_viewers(p_conversation_id, p_actor_id) end,
    'viewing', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('conversation_id', f.conversation_id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name))
            order by f.conversation_id, u.id
          ),
          '[]'::jsonb
        )
        from (
          select p.conversation_id, p.operator_id
            from public.conversation_presence as p
           where p.seen_until > private.clock() and p.operator_id <> p_actor_id
           order by p.seen_until desc
           limit 200
        ) as f
        join public.users as u on u.id = f.operator_id
    )
  );
end
$$;

revoke all on function public.conversation_changes from public, anon, authenticated, service_role;
grant execute on function public.conversation_changes to bot_backend;
comment on function public.conversation_changes is 'Returns what changed in conversations since a page asked last';
