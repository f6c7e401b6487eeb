-- Deletes the conversation that a user collects for a review.
--
-- Concurrency: a repeated call deletes nothing.
-- Locks: user (KEY SHARE), draft.
-- Returns: jsonb
--   was_deleted: boolean   (false: there was none)
-- Errors: none.
create or replace function public.cancel_review(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  delete from public.review_drafts as d where d.user_id = p_user_id and d.bot = p_bot;
  return jsonb_build_object('was_deleted', found);
end
$$;

revoke all on function public.cancel_review from public, anon, authenticated, service_role;
grant execute on function public.cancel_review to bot_backend;
comment on function public.cancel_review is 'Deletes the conversation that a user collects for a review';
