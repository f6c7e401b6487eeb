-- Describes a shared page to the user who shares it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb: id, token, title, messages (how many), is_cut, created_at, open_until (when its oldest message is deleted).
-- Errors: none.
create or replace function private.shared_page(p_page public.shared_conversations)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_page.id, 'token', p_page.token, 'title', p_page.title, 'messages', p_page.message_count,
    'is_cut', p_page.is_cut, 'created_at', p_page.created_at,
    'open_until', coalesce(
      (select m.created_at from public.messages as m where m.id = p_page.first_message), p_page.created_at
    ) + make_interval(days => private.setting('retention_messages_days')::integer)
  );
$$;

revoke all on function private.shared_page from public, anon, authenticated, service_role;
comment on function private.shared_page is 'Describes a shared page to its owner';
