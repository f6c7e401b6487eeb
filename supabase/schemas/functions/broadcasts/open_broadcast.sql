-- Lets a broadcast run whose recipients are frozen. Above the setting broadcast_approval_size it waits for an admin other than
-- the one who started it, if there is one.
--
-- Concurrency: the caller holds the broadcast's row.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.open_broadcast(p_broadcast public.broadcasts)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_size constant bigint := private.setting('broadcast_approval_size')::bigint;
  v_needs_approval boolean;
begin
  v_needs_approval := v_size > 0 and p_broadcast.total > v_size and exists (
    select
      from (
        select u.id from public.admins as a join public.users as u on u.telegram_id = a.telegram_id
        union
        select s.user_id from public.staff as s where s.role = 'admin'
      ) as t (id)
     where t.id is distinct from p_broadcast.started_by
       and t.id is distinct from p_broadcast.updated_by
       and private.staff_role(t.id) is not null
  );
  update public.broadcasts as b
     set status = case
           when p_broadcast.total = 0 then 'done'
           when v_needs_approval then 'waiting'
           else 'running'
         end,
         finished_at = case when p_broadcast.total = 0 then private.clock() end,
         updated_at = private.clock()
   where b.id = p_broadcast.id;
end
$$;

revoke all on function private.open_broadcast from public, anon, authenticated, service_role;
comment on function private.open_broadcast is 'Lets a broadcast run whose recipients are frozen';
