-- Lists broadcasts before p_before, the newest first, without steps of sequences.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   broadcasts: [ private.broadcast_card ]
--   waiting: int              (broadcasts that a second admin must approve)
-- Errors: N0009 the role does not allow it.
create or replace function public.list_broadcasts(p_actor_id bigint, p_before bigint, p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'broadcasts', (
      select coalesce(jsonb_agg(private.broadcast_card(b.row) order by b.id desc), '[]'::jsonb)
        from (
          select r as row, r.id
            from public.broadcasts as r
           where r.sequence_id is null and (p_before is null or r.id < p_before)
           order by r.id desc
           limit p_limit
        ) as b
    ),
    'waiting', (select count(*) from public.broadcasts as b where b.status = 'waiting')
  );
end
$$;

revoke all on function public.list_broadcasts from public, anon, authenticated, service_role;
grant execute on function public.list_broadcasts to bot_backend;
comment on function public.list_broadcasts is 'Lists broadcasts, the newest first';
