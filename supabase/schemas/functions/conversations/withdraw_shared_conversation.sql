-- Withdraws a page that a user shares. Its link then says that it is no longer available.
--
-- Concurrency: a repetition changes nothing.
-- Locks: the page.
-- Returns: jsonb
--   withdrawn: boolean         (false: there is no such page, or it was withdrawn before)
-- Errors: none.
create or replace function public.withdraw_shared_conversation(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.shared_conversations as s
     set withdrawn_at = private.clock(), title = null
   where s.id = p_id and s.user_id = p_user_id and s.withdrawn_at is null;
  return jsonb_build_object('withdrawn', found);
end
$$;

revoke all on function public.withdraw_shared_conversation from public, anon, authenticated, service_role;
grant execute on function public.withdraw_shared_conversation to bot_backend;
comment on function public.withdraw_shared_conversation is 'Withdraws a page that a user shares';
