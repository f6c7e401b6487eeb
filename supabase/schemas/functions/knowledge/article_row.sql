-- Returns an article as lists show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   bot: text
--   language: text
--   slug: text
--   title: text
--   status: 'draft' | 'published'
--   is_from_ai: boolean
--   version: int
--   updated_at: timestamptz
-- Errors: none.
create or replace function private.article_row(p_article public.knowledge_articles)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_article.id,
    'bot', p_article.bot,
    'language', p_article.language,
    'slug', p_article.slug,
    'title', p_article.title,
    'status', p_article.status,
    'is_from_ai', p_article.is_from_ai,
    'version', p_article.version,
    'updated_at', p_article.updated_at
  );
$$;

revoke all on function private.article_row from public, anon, authenticated, service_role;
comment on function private.article_row is 'Returns an article as lists show it';
