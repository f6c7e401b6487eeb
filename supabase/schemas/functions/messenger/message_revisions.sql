-- Returns the earlier texts of an edited message of a conversation, oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { body: text, media: jsonb | null, replaced_at: timestamptz } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.message_revisions(p_actor_id bigint, p_message_id bigint)
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
        jsonb_agg(jsonb_build_object('body', r.body, 'media', r.media, 'replaced_at', r.replaced_at) order by r.id), '[]'::jsonb
      )
      from public.conversation_message_revisions as r
     where r.message_id = p_message_id
  );
end
$$;

revoke all on function public.message_revisions from public, anon, authenticated, service_role;
grant execute on function public.message_revisions to bot_backend;
comment on function public.message_revisions is 'Returns the earlier texts of an edited message';
