-- Collects what is stored about broadcasts that a user received, sequences, and the consent to marketing messages.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, { consent, received, clicks, sequences, written }
-- Errors: none.
create or replace function private.broadcasts_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'consent', (
      select to_jsonb(c) - array['user_id', 'last_marketing_by'] from public.message_consents as c where c.user_id = p_user_id
    ),
    'received', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'lease_until'] order by r.broadcast_id), '[]'::jsonb)
        from public.broadcast_recipients as r
       where r.user_id = p_user_id
    ),
    'clicks', (
      select coalesce(jsonb_agg(to_jsonb(k) - 'user_id' order by k.created_at, k.button), '[]'::jsonb)
        from public.broadcast_recipients as r
        join public.broadcast_clicks as k on k.broadcast_id = r.broadcast_id and k.user_id = r.user_id
       where r.user_id = p_user_id
    ),
    'sequences', (
      select coalesce(jsonb_agg(to_jsonb(q) - array['user_id', 'is_counted'] order by q.sequence_id), '[]'::jsonb)
        from public.sequence_runs as q
       where q.user_id = p_user_id
    ),
    'written', (
      select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'name', b.name) order by b.id), '[]'::jsonb)
        from public.broadcasts as b
       where p_user_id in (b.updated_by, b.started_by, b.approved_by)
    )
  );
$$;

revoke all on function private.broadcasts_section from public, anon, authenticated, service_role;
comment on function private.broadcasts_section is 'Data about broadcasts and a user';
