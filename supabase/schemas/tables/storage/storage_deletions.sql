-- Queue of objects that the job `storage` deletes from Supabase Storage. Every row that leaves stored_files puts its key
-- here (private.enqueue_storage_deletions), so the queue outlives the user. A key identifies no user: its UUIDs are random.

create table private.storage_deletions (
  key text primary key,
  attempts integer not null default 0 check (attempts >= 0),
  next_attempt_at timestamptz not null default private.clock(),
  error text,
  created_at timestamptz not null default private.clock()
);

create index storage_deletions_next_attempt_idx on private.storage_deletions (next_attempt_at);

comment on table private.storage_deletions is 'Objects that the job storage deletes from Supabase Storage';
comment on column private.storage_deletions.error is 'Why the last attempt failed';
alter table private.storage_deletions enable row level security;
revoke all on table private.storage_deletions from public, anon, authenticated, service_role;
