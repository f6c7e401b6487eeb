-- Profile photos of users, for the pages: Telegram's smallest size (160 pixels, 5 to 10 KB), as the job `avatars` fetched it.
-- There is a row for each user that a page has shown within 30 days. Photos are in the database, so that they need no Storage.

create table public.user_avatars (
  user_id bigint primary key references public.users (id) on delete cascade,
  key uuid not null unique default gen_random_uuid(),
  bot text not null,
  photo_id text,
  mime_type text check (mime_type in ('image/jpeg', 'image/png', 'image/webp')),
  image bytea check (octet_length(image) between 1 and 65536),
  wanted_at timestamptz not null default private.clock(),
  checked_at timestamptz,
  due_at timestamptz default private.clock(),
  check ((image is null) = (mime_type is null))
);

create index user_avatars_due_idx on public.user_avatars (due_at) where due_at is not null;
create index user_avatars_wanted_idx on public.user_avatars (wanted_at);

comment on table public.user_avatars is 'Profile photos of users, for the pages';
comment on column public.user_avatars.key is 'Name in the address of the photo; another one for each photo';
comment on column public.user_avatars.bot is 'The bot that asks Telegram for it: one that the user has written to';
comment on column public.user_avatars.photo_id is 'file_unique_id of the photo; null: the user has none, or hides it';
comment on column public.user_avatars.wanted_at is 'When a page last showed the user, to the day';
comment on column public.user_avatars.due_at is 'When the job asks Telegram next; null: once a page shows the user again';
alter table public.user_avatars enable row level security;
revoke all on table public.user_avatars from public, anon, authenticated, service_role;
