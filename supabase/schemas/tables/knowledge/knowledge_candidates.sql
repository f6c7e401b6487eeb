-- Conversations from which an article of the knowledge base was drafted, or is not to be.

create table public.knowledge_candidates (
  conversation_id bigint primary key references public.conversations (id) on delete cascade,
  seq bigint not null,
  article_id bigint references public.knowledge_articles (id) on delete set null,
  decided_at timestamptz not null default private.clock()
);

create index knowledge_candidates_article_idx on public.knowledge_candidates (article_id);

comment on table public.knowledge_candidates is 'Conversations from which an article was drafted, or is not to be';
comment on column public.knowledge_candidates.seq is 'The newest message then: later ones make the conversation a candidate again';
comment on column public.knowledge_candidates.article_id is 'The draft; null: none was wanted, or it is deleted';
alter table public.knowledge_candidates enable row level security;
revoke all on table public.knowledge_candidates from public, anon, authenticated, service_role;
