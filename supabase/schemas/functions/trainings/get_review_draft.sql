-- Returns the conversation that a user collects for a review.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { draft: private.review_draft } | null    (null: there is none)
-- Errors: none.
create or replace function public.get_review_draft(p_user_id bigint, p_bot text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('draft', private.review_draft(d))
    from public.review_drafts as d
   where d.user_id = p_user_id and d.bot = p_bot;
$$;

revoke all on function public.get_review_draft from public, anon, authenticated, service_role;
grant execute on function public.get_review_draft to bot_backend;
comment on function public.get_review_draft is 'Returns the conversation that a user collects for a review';
