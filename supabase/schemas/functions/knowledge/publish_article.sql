-- Publishes an article of the knowledge base, or makes it a draft again.
--
-- Concurrency: changes of one bot wait for each other, so the setting knowledge:<bot> says whether the bot has published articles.
-- Locks: advisory lock of the bot's articles, article.
-- Returns: jsonb
--   {
--     outcome: 'published' | 'hidden' | 'known' | 'changed'     (changed: another saved since p_version)
--   } | null               (no such article)
-- Errors: N0009 not an operator.
create or replace function public.publish_article(p_actor_id bigint, p_article_id bigint, p_is_published boolean, p_version integer default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_article public.knowledge_articles;
  v_key text;
begin
  select a.* into v_article from public.knowledge_articles as a where a.id = p_article_id;
  perform pg_advisory_xact_lock(hashtextextended('articles of ' || v_article.bot, 0));
  select a.* into v_article from public.knowledge_articles as a where a.id = p_article_id for update;
  if not found then
    return null;
  elsif v_article.version <> coalesce(p_version, v_article.version) then
    return jsonb_build_object('outcome', 'changed');
  elsif (v_article.status = 'published') = p_is_published then
    return jsonb_build_object('outcome', 'known');
  end if;
  update public.knowledge_articles as a
     set status = case when p_is_published then 'published' else 'draft' end,
         published_at = case when p_is_published then private.clock() end
   where a.id = p_article_id;
  v_key := 'knowledge:' || v_article.bot;
  if exists (select from public.knowledge_articles as a where a.bot = v_article.bot and a.status = 'published') then
    insert into private.settings (key, value, about)
    values (v_key, 'true', 'The bot has published articles; kept by publish_article')
    on conflict (key) do nothing;
  else
    delete from private.settings as s where s.key = v_key;
  end if;
  perform private.write_audit(
    v_account, case when p_is_published then 'publish_article' else 'hide_article' end, null, null, jsonb_build_object('status', v_article.status),
    jsonb_build_object(
      'article', p_article_id, 'title', v_article.title, 'status', case when p_is_published then 'published' else 'draft' end
    )
  );
  return jsonb_build_object('outcome', case when p_is_published then 'published' else 'hidden' end);
end
$$;

revoke all on function public.publish_article from public, anon, authenticated, service_role;
grant execute on function public.publish_article to bot_backend;
comment on function public.publish_article is 'Publishes an article, or makes it a draft again';
