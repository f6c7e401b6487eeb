-- Finds the published articles of a bot that fit a question best. An article fits with a word of the question in its title, with two
-- of them in its text, or with half of them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { language: text, slug: text, title: text, body: text } ]     (the best first; at most p_limit, p_characters of their texts)
-- Errors: none.
create or replace function private.find_articles(p_bot text, p_text text, p_limit integer default 3, p_characters integer default 6000)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'language', b.language, 'slug', b.slug, 'title', b.title, 'body', left(b.body, p_characters / p_limit)
        )
        order by b.score desc, b.id
      ),
      '[]'::jsonb
    )
    from (
      select a.*, f.in_title * 3 + f.in_text as score
        from (
          select l.language, w.words, private.any_word(w.words) as query
            from (values ('en'), ('ru')) as l (language)
            cross join lateral private.question_words(l.language, p_text) as w (words)
           where cardinality(w.words) > 0
        ) as q
        join public.knowledge_articles as a
          on a.language = q.language and private.article_words(a.language, a.title, a.body) @@ q.query
        cross join lateral (
          select
            count(*) filter (where x.weights @> '{A}') as in_title,
            count(*) as in_text
            from unnest(private.article_words(a.language, a.title, a.body)) as x
           where x.lexeme = any (q.words)
        ) as f
       where a.bot = p_bot and a.status = 'published'
         and (f.in_title > 0 or f.in_text >= 2 or f.in_text * 2 >= cardinality(q.words))
       order by score desc, a.id
       limit p_limit
    ) as b;
$$;

revoke all on function private.find_articles from public, anon, authenticated, service_role;
comment on function private.find_articles is 'Finds the published articles that fit a question';
