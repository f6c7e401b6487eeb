-- Returns a published article for its public page.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     title: text
--     body: text
--     updated_at: timestamptz
--     other: { [text]: text }     (slugs of the same article's other languages: the published ones with this slug)
--   } | null                      (none is published)
-- Errors: none.
create or replace function public.published_article(p_bot text, p_language text, p_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'title', a.title, 'body', a.body, 'updated_at', a.updated_at,
      'other', (
        select coalesce(jsonb_object_agg(o.language, o.slug), '{}'::jsonb)
          from public.knowledge_articles as o
         where o.bot = p_bot and o.slug = p_slug and o.language <> p_language and o.status = 'published'
      )
    )
    from public.knowledge_articles as a
   where a.bot = p_bot and a.language = p_language and a.slug = p_slug and a.status = 'published';
$$;

revoke all on function public.published_article from public, anon, authenticated, service_role;
grant execute on function public.published_article to bot_backend;
comment on function public.published_article is 'Returns a published article for its public page';
