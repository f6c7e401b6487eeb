-- The picture, video or file of a broadcast: uploaded once, sent to Telegram once per bot, then sent by its id there.

create table public.broadcast_media (
  broadcast_id bigint primary key references public.broadcasts (id) on delete cascade,
  kind text not null check (kind in ('photo', 'video', 'document')),
  name text not null check (length(name) <= 200),
  mime_type text not null check (length(mime_type) <= 100),
  content bytea check (length(content) between 1 and 20971520),
  file_ids jsonb not null default '{}' check (jsonb_typeof(file_ids) = 'object'),
  created_at timestamptz not null default private.clock(),
  check (content is not null or file_ids <> '{}')
);

comment on table public.broadcast_media is 'The picture, video or file of a broadcast';
comment on column public.broadcast_media.content is 'The uploaded file; null: it was given as a file_id';
comment on column public.broadcast_media.file_ids is 'Telegram''s file_id by bot, once it was sent through that bot';
alter table public.broadcast_media enable row level security;
revoke all on table public.broadcast_media from public, anon, authenticated, service_role;
