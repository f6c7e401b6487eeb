-- Earlier versions of articles of the knowledge base.

create table public.knowledge_revisions (
  article_id bigint not null references public.knowledge_articles (id) on delete cascade,
  version integer not null,
  title text not null,
  body text not null,
  replaced_at timestamptz not null default private.clock(),
  primary key (article_id, version)
);

comment on table public.knowledge_revisions is 'Earlier versions of articles of the knowledge base';
alter table public.knowledge_revisions enable row level security;
revoke all on table public.knowledge_revisions from public, anon, authenticated, service_role;
