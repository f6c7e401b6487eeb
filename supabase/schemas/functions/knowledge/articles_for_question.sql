-- Finds the published articles of a bot that fit a question which public.receive_update did not have: the words of a voice message.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { language: text, slug: text, title: text, body: text } ]     (the best first)
-- Errors: none.
create or replace function public.articles_for_question(p_bot text, p_text text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.find_articles(p_bot, p_text);
end
$$;

revoke all on function public.articles_for_question from public, anon, authenticated, service_role;
grant execute on function public.articles_for_question to bot_backend;
comment on function public.articles_for_question is 'Finds the published articles that fit the words of a voice message';
