-- Which users opened which link of an advertisement. The first link that a new user opened is their source.

create table public.ad_link_visits (
  link_id bigint not null references public.ad_links (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  is_source boolean not null,
  created_at timestamptz not null default private.clock(),
  primary key (link_id, user_id)
);

create index ad_link_visits_user_idx on public.ad_link_visits (user_id);
create unique index ad_link_visits_source_idx on public.ad_link_visits (user_id) where is_source;

comment on table public.ad_link_visits is 'Which users opened which link of an advertisement';
comment on column public.ad_link_visits.is_source is 'It brought the user; one for each user at most';
alter table public.ad_link_visits enable row level security;
revoke all on table public.ad_link_visits from public, anon, authenticated, service_role;
