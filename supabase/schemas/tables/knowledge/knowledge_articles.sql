-- Articles of a bot's knowledge base: pages of help that the AI may answer from once they are published. Who wrote them is in the audit log.
--
-- The setting knowledge:<bot> exists while a bot has published articles, so that receive_update looks for them only then.

create table public.knowledge_articles (
  id bigint generated always as identity primary key,
  bot text not null,
  language text not null,
  slug text not null,
  title text not null,
  body text not null,
  status text not null default 'draft',
  version integer not null default 1,
  is_from_ai boolean not null default false,
  published_at timestamptz,
  updated_at timestamptz not null default private.clock(),
  created_at timestamptz not null default private.clock(),
  unique (bot, language, slug),
  constraint knowledge_articles_check check (
    status in ('draft', 'published') and bot <> '' and language in ('en', 'ru') and slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'
    and length(title) between 1 and 200 and length(body) between 1 and 20000
  )
);

create index knowledge_articles_updated_at_idx on public.knowledge_articles (updated_at, id);
create index knowledge_articles_words_idx
on public.knowledge_articles using gin (private.article_words(language, title, body));

comment on table public.knowledge_articles is 'Articles of a bot''s knowledge base';
comment on column public.knowledge_articles.body is 'Markdown';
comment on column public.knowledge_articles.version is 'Number of the last change: the editor saves the version that it has read';
comment on column public.knowledge_articles.is_from_ai is 'The AI wrote the first version';
alter table public.knowledge_articles enable row level security;
revoke all on table public.knowledge_articles from public, anon, authenticated, service_role;
revoke all on sequence public.knowledge_articles_id_seq from public, anon, authenticated, service_role;
