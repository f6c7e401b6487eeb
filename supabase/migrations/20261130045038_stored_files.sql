-- Stored files.

-- Trigger of stored_files: puts the keys of deleted rows into the queue of deletions, whatever deleted them: retention,
-- an erasure (foreign key) or an administrator.
--
-- Concurrency: a key that is queued already stays queued. An upload may be running while its row is deleted, so its
--   object is deleted ten minutes later: uploads have a deadline of one minute (shared/storage/client.py).
-- Locks: none beyond the new rows.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.enqueue_storage_deletions()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.storage_deletions (key, next_attempt_at)
  select o.key, private.clock() + case when o.status = 'uploading' then interval '10 minutes' else interval '0' end
    from old_files as o
   order by o.key
  on conflict (key) do nothing;
  return null;
end
$$;

revoke all on function private.enqueue_storage_deletions from public, anon, authenticated, service_role;
comment on function private.enqueue_storage_deletions is 'Queues the objects of deleted files for deletion';

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
      'media', 'media', false, 52428800, array['image/*', 'video/*', 'audio/*', 'application/pdf', 'text/plain']
    )
    on conflict (id) do update
      set public = excluded.public,
          file_size_limit = excluded.file_size_limit,
          allowed_mime_types = excluded.allowed_mime_types;
  end if;
end
$$;

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Leases due keys of the queue of deletions for five minutes, the oldest first, at most p_limit.
--
-- Concurrency: each key is locked, skipped by other jobs, and its next attempt moved five minutes ahead.
-- Locks: queued keys (FOR UPDATE SKIP LOCKED), by next_attempt_at.
-- Returns: jsonb
--   [ text ]
-- Errors: none.
create or replace function public.claim_storage_deletions(p_limit integer)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select d.key
      from private.storage_deletions as d
     where d.next_attempt_at <= (select private.clock())
     order by d.next_attempt_at, d.key
     limit p_limit
       for update skip locked
  ), claimed as (
    update private.storage_deletions as d
       set next_attempt_at = private.clock() + interval '5 minutes', attempts = d.attempts + 1
      from due
     where d.key = due.key
    returning d.key
  )
  select coalesce(jsonb_agg(c.key order by c.key), '[]'::jsonb) from claimed as c;
$$;

revoke all on function public.claim_storage_deletions from public, anon, authenticated, service_role;
grant execute on function public.claim_storage_deletions to bot_backend;
comment on function public.claim_storage_deletions is 'Leases due keys of the queue of deletions';

-- Records that a registered file is uploaded.
--
-- Concurrency: repeated calls change nothing. If the row was deleted meanwhile (the user was erased), the object is in the
--   queue of deletions.
-- Locks: file.
-- Returns: jsonb
--   stored: boolean      (false: no user owns it any more)
-- Errors: none.
create or replace function public.confirm_file(p_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.stored_files as f set status = 'stored' where f.key = p_key;
  return jsonb_build_object('stored', found);
end
$$;

revoke all on function public.confirm_file from public, anon, authenticated, service_role;
grant execute on function public.confirm_file to bot_backend;
comment on function public.confirm_file is 'Records that a registered file is uploaded';

-- Deletes up to p_limit rows of files whose retention has ended, and of uploads that were not completed within a day. Their
-- objects enter the queue of deletions.
--
-- Concurrency: files that another call has locked are skipped.
-- Locks: files (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many.
-- Errors: none.
create or replace function public.expire_files(p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer;
begin
  delete from public.stored_files as f
   where f.id in (
     select e.id
       from public.stored_files as e
      where e.delete_after <= v_now or (e.status = 'uploading' and e.created_at <= v_now - interval '1 day')
      limit p_limit
        for update skip locked
   );
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function public.expire_files from public, anon, authenticated, service_role;
grant execute on function public.expire_files to bot_backend;
comment on function public.expire_files is 'Deletes files whose retention has ended';

-- Records the result of deleting claimed objects, p_keys: a JSON list. Without p_error they are gone, and their keys leave the
-- queue. Otherwise the next attempt is 10 minutes later, doubled with each attempt up to a day.
--
-- Concurrency: a key that is gone is skipped: deleting an object twice does no harm.
-- Locks: queued keys, by key.
-- Returns: jsonb
--   attempts: int      (the highest number of attempts of a failed key; 0 without an error)
-- Errors: none.
create or replace function public.finish_storage_deletions(p_keys jsonb, p_error text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[] := array(select jsonb_array_elements_text(p_keys));
  v_attempts integer;
begin
  perform from private.storage_deletions as d where d.key = any(v_keys) order by d.key for update;
  if p_error is null then
    delete from private.storage_deletions as d where d.key = any(v_keys);
  else
    update private.storage_deletions as d
       set error = left(p_error, 500),
           next_attempt_at = private.clock() + least(interval '5 minutes' * 2 ^ least(d.attempts, 20), interval '1 day')
     where d.key = any(v_keys);
    select max(d.attempts) into v_attempts from private.storage_deletions as d where d.key = any(v_keys);
  end if;
  return jsonb_build_object('attempts', coalesce(v_attempts, 0));
end
$$;

revoke all on function public.finish_storage_deletions from public, anon, authenticated, service_role;
grant execute on function public.finish_storage_deletions to bot_backend;
comment on function public.finish_storage_deletions is 'Records the result of deleting claimed objects';

-- Registers a file before it is uploaded to Supabase Storage, and returns its key. p_name identifies the file among those
-- of the user and kind: repeated calls return the same key. All keys of a user share one random folder while the user has
-- files. The file is deleted after the setting retention_media_days.
--
-- Concurrency: the user is locked, so an erasure at the same time finds the row or leaves no user, and two first files get
--   one folder.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     key: text
--     status: 'uploading' | 'stored'    (stored: it is there already, from an earlier call)
--     delete_after: timestamptz
--   } | null                            (no such user)
-- Errors: none.
create or replace function public.register_file(
  p_user_id bigint, p_bot text, p_kind text, p_name uuid, p_extension text, p_mime_type text, p_size bigint
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_folder text;
  v_key text;
  v_file public.stored_files;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    return null;
  end if;
  select split_part(f.key, '/', 2) into v_folder
    from public.stored_files as f
   where f.user_id = p_user_id
   order by f.id desc
   limit 1;
  v_key := format('%s/%s/%s.%s', p_kind, coalesce(v_folder, gen_random_uuid()::text), p_name, p_extension);
  insert into public.stored_files (user_id, bot, kind, key, mime_type, size_bytes, created_at, delete_after)
  values (
    p_user_id, p_bot, p_kind, v_key, p_mime_type, p_size, v_now,
    v_now + make_interval(days => private.setting('retention_media_days')::integer)
  )
  on conflict (key) do nothing;
  select f.* into strict v_file from public.stored_files as f where f.key = v_key;
  return jsonb_build_object('key', v_file.key, 'status', v_file.status, 'delete_after', v_file.delete_after);
end
$$;

revoke all on function public.register_file from public, anon, authenticated, service_role;
grant execute on function public.register_file to bot_backend;
comment on function public.register_file is 'Registers a file before it is uploaded to Supabase Storage';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "retention_media_days", "about": "Days that files in Supabase Storage are kept", "value": 30}') on conflict do nothing;
