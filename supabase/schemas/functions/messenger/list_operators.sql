-- Returns the members of the staff who can be assigned conversations, for one of them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, name: text, role: text, assigned: int } ]     (assigned: open conversations)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_operators(p_actor_id bigint)
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
            'id', u.id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name), 'role', private.staff_role(u.id),
            'assigned', (
              select count(*) from public.conversations as c where c.assignee_id = u.id and c.status = 'open'
            )
          )
          order by u.first_name, u.id
        ),
        '[]'::jsonb
      )
      from public.users as u
     where (
         u.id in (select s.user_id from public.staff as s)
         or u.telegram_id in (select a.telegram_id from public.admins as a)
       )
       and private.role_includes(private.staff_role(u.id), 'operator')
  );
end
$$;

revoke all on function public.list_operators from public, anon, authenticated, service_role;
grant execute on function public.list_operators to bot_backend;
comment on function public.list_operators is 'Returns the members of the staff who can be assigned conversations';
