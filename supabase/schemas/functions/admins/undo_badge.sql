-- Reverses that an admin gave a badge or took it.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the badge's row of user_badges.
-- Returns: boolean, false and nothing changed if the badge has changed again since.
-- Errors: none.
create or replace function private.undo_badge(p_entry public.audit_log)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_badge constant text := p_entry.after ->> 'badge';
  v_bot constant text := p_entry.after ->> 'bot';
  v_has constant boolean := exists (
    select
      from public.user_badges as b
     where b.user_id = p_entry.user_id and b.badge = v_badge and b.bot = v_bot and b.revoked_at is null
  );
begin
  if v_has <> (p_entry.after ->> 'has')::boolean then
    return false;
  end if;
  perform private.switch_badge(p_entry.user_id, v_badge, v_bot, not v_has);
  return true;
end
$$;

revoke all on function private.undo_badge from public, anon, authenticated, service_role;
comment on function private.undo_badge is 'Reverses that an admin gave a badge or took it';
