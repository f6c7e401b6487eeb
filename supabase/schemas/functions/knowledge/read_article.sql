-- Returns an article with its earlier versions for the editor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     article: private.article_row
--     body: text
--     revisions: [ { version: int, title: text, body: text, replaced_at: timestamptz } ]   (newest first, at most 20)
--   } | null               (no such article)
-- Errors: N0009 not an operator.
create or replace function public.read_article(p_actor_id bigint, p_article_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_article public.knowledge_articles;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select a.* into v_article from public.knowledge_articles as a where a.id = p_article_id;
  if not found then
    return null;
  end if;
  return jsonb_build_object(
    'article', private.article_row(v_article),
    'body', v_article.body,
    'revisions', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'version', r.version, 'title', r.title, 'body', r.body, 'replaced_at', r.replaced_at
            )
            order by r.version desc
          ),
          '[]'::jsonb
        )
        from (
          select k.* from public.knowledge_revisions as k where k.article_id = p_article_id order by k.version desc limit 20
        ) as r
    )
  );
end
$$;

revoke all on function public.read_article from public, anon, authenticated, service_role;
grant execute on function public.read_article to bot_backend;
comment on function public.read_article is 'Returns an article with its earlier versions';
