-- Returns the role in which a user works for the owner. Banned users have none.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, 'owner' | 'admin' | 'operator' | 'author'; null: not staff.
-- Errors: none.
create or replace function private.staff_role(p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case when exists (select from public.admins as a where a.telegram_id = u.telegram_id) then 'owner' else s.role end
    from public.users as u
    left join public.staff as s on s.user_id = u.id
   where u.id = p_user_id and u.banned_at is null;
$$;

revoke all on function private.staff_role from public, anon, authenticated, service_role;
comment on function private.staff_role is 'The role in which a user works for the owner';
