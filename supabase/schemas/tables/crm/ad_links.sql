-- Links by which users come from an advertisement: t.me/<bot>?start=ad_<key>. Their counters stay when a user is erased; the audit
-- log knows who made them.

create table public.ad_links (
  id bigint generated always as identity primary key,
  key text not null unique,
  name text not null,
  visits integer not null default 0,
  new_users integer not null default 0,
  archived_at timestamptz,
  created_at timestamptz not null default private.clock(),
  check (key ~ '^[A-Za-z0-9_-]{2,24}$')
);

comment on table public.ad_links is 'Links by which users come from an advertisement';
comment on column public.ad_links.visits is 'Users who opened it, each counted once';
comment on column public.ad_links.new_users is 'Those of them who were new to all bots';
comment on column public.ad_links.archived_at is 'Since when the list hides it; it still counts';
alter table public.ad_links enable row level security;
revoke all on table public.ad_links from public, anon, authenticated, service_role;
revoke all on sequence public.ad_links_id_seq from public, anon, authenticated, service_role;
