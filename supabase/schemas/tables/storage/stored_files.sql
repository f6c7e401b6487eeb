-- Files in Supabase Storage (bucket `media`): media that AI providers made for users, and media of users that providers
-- need. A row exists before its object is uploaded, so every object has a row, or a place in the queue of deletions.

create table public.stored_files (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  kind text not null,
  key text not null unique check (key ~ '^[a-z_]{1,20}/[0-9a-f-]{36}/[0-9a-f-]{36}\.[a-z0-9]{1,8}$'),
  mime_type text not null check (mime_type ~ '^[a-z]+/[a-z0-9.+-]{1,80}$'),
  size_bytes bigint not null check (size_bytes > 0),
  status text not null default 'uploading' check (status in ('uploading', 'stored')),
  created_at timestamptz not null default private.clock(),
  delete_after timestamptz not null
);

create index stored_files_user_idx on public.stored_files (user_id, id);
create index stored_files_delete_after_idx on public.stored_files (delete_after);
-- The job deletes uploads that were never completed.
create index stored_files_uploading_idx on public.stored_files (created_at) where status = 'uploading';

create trigger stored_files_enqueue_deletions
after delete on public.stored_files
referencing old table as old_files
for each statement execute function private.enqueue_storage_deletions();

comment on table public.stored_files is 'Files in Supabase Storage, with owner and date of deletion';
comment on column public.stored_files.key is 'Key in the bucket media: <kind>/<folder of the user>/<UUID of the file>.<extension>';
comment on column public.stored_files.status is 'uploading: the object may not exist yet';
alter table public.stored_files enable row level security;
revoke all on table public.stored_files from public, anon, authenticated, service_role;
revoke all on sequence public.stored_files_id_seq from public, anon, authenticated, service_role;

-- The private bucket. Plain Postgres has no schema `storage`. The same limits are in config.toml, for a local Supabase.
do $$
begin
  if to_regclass('storage.buckets') is not null then
    insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
    values (
      'media', 'media', false, 209715200, array['image/*', 'video/*', 'audio/*', 'application/pdf', 'text/plain']
    )
    on conflict (id) do update
      set public = excluded.public,
          file_size_limit = excluded.file_size_limit,
          allowed_mime_types = excluded.allowed_mime_types;
  end if;
end
$$;
