-- Lists articles of the knowledge base for operators, those changed last first. p_search: words of the article.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   articles: [ private.article_row ]
--   has_more: boolean
-- Errors: N0009 not an operator.
create or replace function public.list_articles(
  p_actor_id bigint, p_bot text default null, p_status text default null, p_search text default null, p_page integer default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
begin
  perform private.require_staff(p_actor_id, 'operator');
  v_ids := array(
    select a.id
      from public.knowledge_articles as a
     where (p_bot is null or a.bot = p_bot)
       and (p_status is null or a.status = p_status)
       and (
         coalesce(btrim(p_search), '') = ''
         or private.article_words(a.language, a.title, a.body) @@ private.any_word(private.question_words(a.language, p_search))
         or strpos(lower(a.title), lower(btrim(p_search))) > 0
       )
     order by a.updated_at desc, a.id desc
    offset least(greatest(p_page, 0), 10000) * 50
     limit 51
  );
  return jsonb_build_object(
    'articles', (
      select coalesce(jsonb_agg(private.article_row(a) order by a.updated_at desc, a.id desc), '[]'::jsonb)
        from public.knowledge_articles as a
       where a.id = any (v_ids[:50])
    ),
    'has_more', cardinality(v_ids) > 50
  );
end
$$;

revoke all on function public.list_articles from public, anon, authenticated, service_role;
grant execute on function public.list_articles to bot_backend;
comment on function public.list_articles is 'Lists articles of the knowledge base for operators';
