-- Records which messages of a broadcast were deleted. p_results: [{broadcast_id, user_id, outcome: deleted | kept | later, error}].
-- later: it is claimed again once its lease has passed.
--
-- Concurrency: a message is recorded once.
-- Locks: recipients, then broadcasts by id.
-- Returns: jsonb
--   deleted: int
-- Errors: none.
create or replace function public.record_deletions(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted integer := 0;
  v_counts record;
begin
  for v_counts in
    with changed as (
      update public.broadcast_recipients as r
         set status = case n.value ->> 'outcome' when 'deleted' then 'deleted' else 'sent' end,
             lease_until = null,
             message_id = null,
             error = left(n.value ->> 'error', 300)
        from jsonb_array_elements(p_results) as n (value)
       where r.broadcast_id = (n.value ->> 'broadcast_id')::bigint
         and r.user_id = (n.value ->> 'user_id')::bigint
         and r.status = 'deleting'
         and n.value ->> 'outcome' <> 'later'
      returning r.broadcast_id, r.status
    )
    select c.broadcast_id, count(*) filter (where c.status = 'deleted') as deleted
      from changed as c
     group by c.broadcast_id
     order by c.broadcast_id
  loop
    v_deleted := v_deleted + v_counts.deleted;
    update public.broadcasts as b set deleted = b.deleted + v_counts.deleted where b.id = v_counts.broadcast_id;
  end loop;
  return jsonb_build_object('deleted', v_deleted);
end
$$;

revoke all on function public.record_deletions from public, anon, authenticated, service_role;
grant execute on function public.record_deletions to bot_backend;
comment on function public.record_deletions is 'Records which messages of broadcasts were deleted';
