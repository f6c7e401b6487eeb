-- Deletes a reminder of a user.
--
-- Concurrency: the row is locked; of two calls one deletes it.
-- Locks: reminder.
-- Returns: jsonb
--   is_deleted: boolean     (false: it was deleted before, or is not the user's)
-- Errors: none.
create or replace function public.delete_reminder(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.reminders as r where r.id = p_id and r.user_id = p_user_id;
  return jsonb_build_object('is_deleted', found);
end
$$;

revoke all on function public.delete_reminder from public, anon, authenticated, service_role;
grant execute on function public.delete_reminder to bot_backend;
comment on function public.delete_reminder is 'Deletes a reminder of a user';
