-- Creates an article as a draft (p_article_id null) or saves a new version of one; the version before is kept as a revision.
--
-- p_values {bot, language, slug, title, body, is_from_ai?}; of a known article bot and language stay. p_version: what the editor has read.
--
-- Concurrency: the article is locked; of two editors the second gets 'changed'. Of two new articles with one slug the second gets 'taken'.
-- Locks: article.
-- Returns: jsonb
--   {
--     outcome: 'saved' | 'changed' | 'taken'     (changed: another saved meanwhile; taken: the slug is another article's)
--     id?: bigint                                (saved)
--   } | null                                     (no such article)
-- Errors: N0009 not an operator; K0003 a value is invalid.
create or replace function public.save_article(p_actor_id bigint, p_article_id bigint, p_values jsonb, p_version integer default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_article public.knowledge_articles;
  v_before public.knowledge_articles;
begin
  if p_article_id is null then
    insert into public.knowledge_articles (bot, language, slug, title, body, is_from_ai)
    values (
      p_values ->> 'bot', p_values ->> 'language', p_values ->> 'slug', btrim(p_values ->> 'title'), btrim(p_values ->> 'body'),
      coalesce((p_values ->> 'is_from_ai')::boolean, false)
    )
    on conflict (bot, language, slug) do nothing
    returning * into v_article;
    if v_article.id is null then
      return jsonb_build_object('outcome', 'taken');
    end if;
  else
    select a.* into v_before from public.knowledge_articles as a where a.id = p_article_id for update;
    if not found then
      return null;
    elsif v_before.version is distinct from p_version then
      return jsonb_build_object('outcome', 'changed');
    elsif exists (
      select
        from public.knowledge_articles as a
       where (a.bot, a.language, a.slug) = (v_before.bot, v_before.language, p_values ->> 'slug') and a.id <> p_article_id
    ) then
      return jsonb_build_object('outcome', 'taken');
    end if;
    insert into public.knowledge_revisions (article_id, version, title, body)
    values (p_article_id, v_before.version, v_before.title, v_before.body);
    update public.knowledge_articles as a
       set slug = p_values ->> 'slug', title = btrim(p_values ->> 'title'), body = btrim(p_values ->> 'body'),
           version = a.version + 1, updated_at = private.clock()
     where a.id = p_article_id
    returning a.* into v_article;
  end if;
  perform private.write_audit(
    v_account, 'save_article', null, null, jsonb_build_object('title', v_before.title),
    jsonb_build_object('article', v_article.id, 'title', v_article.title, 'version', v_article.version)
  );
  return jsonb_build_object('outcome', 'saved', 'id', v_article.id);
exception
  when check_violation or not_null_violation then
    raise exception 'a value of the article is invalid' using errcode = 'K0003';
  when unique_violation then
    return jsonb_build_object('outcome', 'taken');
end
$$;

revoke all on function public.save_article from public, anon, authenticated, service_role;
grant execute on function public.save_article to bot_backend;
comment on function public.save_article is 'Creates an article or saves a new version of one';
