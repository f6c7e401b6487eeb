-- Files that admins upload for a course: pictures of texts, documents to download, videos. A row exists before its object is
-- uploaded, so every object has a row, or a place in the queue of deletions. They stay until an admin deletes them.

create table public.course_files (
  id bigint generated always as identity primary key,
  course_id bigint not null references public.courses (id) on delete cascade,
  kind text not null check (kind in ('picture', 'document', 'video')),
  key text not null unique check (key ~ '^courses/[0-9a-f-]{36}/[0-9a-f-]{36}\.[a-z0-9]{1,8}$'),
  name text not null check (name ~ '[^[:space:]]' and length(name) <= 200),
  alt text not null default '' check (length(alt) <= 300 and (kind <> 'picture' or alt ~ '[^[:space:]]')),
  mime_type text not null check (mime_type ~ '^[a-z]+/[a-z0-9.+-]{1,80}$'),
  size_bytes bigint not null check (size_bytes > 0),
  status text not null default 'uploading' check (status in ('uploading', 'stored')),
  created_at timestamptz not null default private.clock()
);

create index course_files_course_idx on public.course_files (course_id, id);

create trigger course_files_enqueue_deletions
after delete on public.course_files
referencing old table as old_files
for each statement execute function private.enqueue_storage_deletions();

comment on table public.course_files is 'Files that admins upload for a course';
comment on column public.course_files.key is 'Key in the bucket media: courses/<folder of the course>/<UUID of the file>.<extension>';
comment on column public.course_files.alt is 'What a picture shows, for those who do not see it';
comment on column public.course_files.status is 'uploading: the object may not exist yet';
alter table public.course_files enable row level security;
revoke all on table public.course_files from public, anon, authenticated, service_role;
revoke all on sequence public.course_files_id_seq from public, anon, authenticated, service_role;
