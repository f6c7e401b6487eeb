-- Staff. The audit log is small, so its indexes are built at once.

-- squawk-ignore-file require-concurrent-index-creation

-- Returns whether an action of the audit log reads data and changes none.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_reading(p_action text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select starts_with(p_action, 'read_') or starts_with(p_action, 'export_');
$$;

revoke all on function private.is_reading from public, anon, authenticated, service_role;
comment on function private.is_reading is 'Returns whether an action of the audit log reads data';

-- Trigger of admins: keeps users.is_admin and the columns derived from it (private.refresh_access) equal to the tables admins and
-- staff, for services that read users.
--
-- Concurrency: derives the columns from the current rows, so a repetition changes nothing.
-- Locks: the users of the old and the new telegram_id (NO KEY UPDATE).
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
begin
  for v_user_id in
    update public.users as u
       set is_admin = exists (select from public.admins as a where a.telegram_id = u.telegram_id)
         or exists (select from public.staff as s where s.user_id = u.id and s.role = 'admin')
     where (tg_op <> 'INSERT' and u.telegram_id = old.telegram_id)
        or (tg_op <> 'DELETE' and u.telegram_id = new.telegram_id)
    returning u.id
  loop
    perform private.refresh_access(v_user_id);
  end loop;
  return null;
end
$$;

revoke all on function private.mark_admin from public, anon, authenticated, service_role;
comment on function private.mark_admin is 'Keeps users.is_admin equal to the tables admins and staff';

-- Trigger of staff: keeps users.is_admin and the columns derived from it (private.refresh_access) equal to the tables admins and
-- staff, and ends the user's sessions when a role comes, changes or goes, so that no session outlives the rights it was opened with.
--
-- Concurrency: derives the columns from the current rows, so a repetition changes nothing. A session that is opened at the same
--   time waits for the user's row (private.open_user_session) where the caller holds it.
-- Locks: the user (NO KEY UPDATE), sessions of the user.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_staff()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id constant bigint := case when tg_op = 'DELETE' then old.user_id else new.user_id end;
begin
  if tg_op = 'UPDATE' and old.role = new.role then
    return null;
  end if;
  update public.users as u
     set is_admin = not u.is_admin
   where u.id = v_user_id
     and u.is_admin <> (
       exists (select from public.admins as a where a.telegram_id = u.telegram_id)
       or exists (select from public.staff as s where s.user_id = u.id and s.role = 'admin')
     );
  if found then
    perform private.refresh_access(v_user_id);
  end if;
  delete from public.user_sessions as s where s.user_id = v_user_id;
  return null;
end
$$;

revoke all on function private.mark_staff from public, anon, authenticated, service_role;
comment on function private.mark_staff is 'Keeps users.is_admin equal to the roles of staff, and ends sessions when a role changes';

-- People who work for the owner, with their role in the console. The owners themselves are the rows of admins.

create table public.staff (
  user_id bigint primary key references public.users (id) on delete cascade,
  role text not null check (role in ('admin', 'operator', 'author')),
  email text unique check (email = lower(email) and email ~ '^[^@[:space:],]+@[^@[:space:],]+\.[^@[:space:],]+$' and length(email) <= 254),
  added_by bigint references public.users (id) on delete set null,
  created_at timestamptz not null default private.clock(),
  check (role <> 'admin' or email is not null)
);

create index staff_added_by_idx on public.staff (added_by);

create trigger staff_mark_users
after insert or update or delete on public.staff
for each row execute function private.mark_staff();

comment on table public.staff is 'People who work for the owner, with their role';
comment on column public.staff.role is 'admin: everything but roles of admins; operator: conversations; author: courses';
comment on column public.staff.email is 'Address under which an admin acts (private.require_admin); others may have none';
comment on column public.staff.added_by is 'Who gave the role last';
alter table public.staff enable row level security;
revoke all on table public.staff from public, anon, authenticated, service_role;

-- Invitations to the staff: links to a bot that give the first user who opens one a role.

create table public.staff_invitations (
  id bigint generated always as identity primary key,
  token_hash bytea not null unique check (length(token_hash) = 32),
  role text not null check (role in ('admin', 'operator', 'author')),
  email text check (email = lower(email)),
  created_by bigint references public.users (id) on delete cascade,
  created_at timestamptz not null default private.clock(),
  expires_at timestamptz not null,
  canceled_at timestamptz,
  accepted_at timestamptz,
  accepted_by bigint references public.users (id) on delete cascade,
  check (role <> 'admin' or email is not null)
);

create index staff_invitations_created_by_idx on public.staff_invitations (created_by);
create index staff_invitations_accepted_by_idx on public.staff_invitations (accepted_by);

comment on table public.staff_invitations is 'Invitations to the staff, each used once';
comment on column public.staff_invitations.token_hash is 'SHA-256 of the token in the link';
comment on column public.staff_invitations.email is 'Address of the new admin';
comment on column public.staff_invitations.created_by is 'The invitation counts as long as this user may give the role';
alter table public.staff_invitations enable row level security;
revoke all on table public.staff_invitations from public, anon, authenticated, service_role;
revoke all on sequence public.staff_invitations_id_seq from public, anon, authenticated, service_role;

-- Returns what a user may see of a course: admins, authors among the staff and the author everything, others the highest tier that they have by an
-- enrollment or by their paid plan (courses.plan_tier).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (is_staff, tier, expires_at), tier null: none; expires_at null: without an end.
-- Errors: none.
create or replace function private.course_access(
  p_user_id bigint, p_course public.courses, out is_staff boolean, out tier text, out expires_at timestamptz
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce((select u.is_admin or u.id = p_course.author_id
              or exists (select from public.staff as s where s.user_id = u.id and s.role = 'author') from public.users as u where u.id = p_user_id), false),
    t.tier,
    t.expires_at
    from (select) as one
    left join lateral (
      select a.tier, a.expires_at
        from (
          select e.tier, e.expires_at
            from public.enrollments as e
           where e.user_id = p_user_id
             and e.course_id = p_course.id
             and e.withdrawn_at is null
             and coalesce(e.expires_at > (select private.clock()), true)
          union all
          select p_course.plan_tier, null
            from public.users as u
           where u.id = p_user_id and u.is_paid and p_course.plan_tier is not null
        ) as a
       order by private.tier_rank(a.tier) desc, a.expires_at desc nulls first
       limit 1
    ) as t on true;
$$;

revoke all on function private.course_access from public, anon, authenticated, service_role;
comment on function private.course_access is 'What a user may see of a course';

-- Returns the accounts with the rights of an admin: owners (admins) and admins among the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (email, telegram_id, created_at, is_owner), telegram_id null: no Telegram account.
-- Errors: none.
create or replace function private.admin_accounts()
returns table (email text, telegram_id bigint, created_at timestamptz, is_owner boolean)
language sql
stable
rows 5
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select a.email, a.telegram_id, a.created_at, true from public.admins as a
  union all
  select s.email, u.telegram_id, s.created_at, false
    from public.staff as s
    join public.users as u on u.id = s.user_id
   where s.role = 'admin'
     and not exists (select from public.admins as a where a.telegram_id = u.telegram_id or a.email = s.email);
$$;

revoke all on function private.admin_accounts from public, anon, authenticated, service_role;
comment on function private.admin_accounts is 'The accounts with the rights of an admin';

-- Returns the e-mail address under which a user acts as an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   email: text | null       (null: not an admin)
-- Errors: none.
create or replace function public.admin_email(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('email', (
    select a.email
      from public.users as u
      join private.admin_accounts() as a on a.telegram_id = u.telegram_id
     where u.id = p_user_id and u.is_admin
     order by a.email
     limit 1
  ));
$$;

revoke all on function public.admin_email from public, anon, authenticated, service_role;
grant execute on function public.admin_email to bot_backend;
comment on function public.admin_email is 'The e-mail address under which a user acts as an admin';

-- Lists the products for an admin in their order, hidden ones included; with p_key only that one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   products: [ private.product_card ]
--   balance_currency: text
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_products(p_admin_email text, p_key text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return jsonb_build_object(
    'products', (
      select coalesce(jsonb_agg(private.product_card(p) order by p.position, p.key), '[]'::jsonb)
        from public.products as p
       where p_key is null or p.key = p_key
    ),
    'balance_currency', private.setting('balance_currency')
  );
end
$$;

revoke all on function public.admin_products from public, anon, authenticated, service_role;
grant execute on function public.admin_products to bot_backend, service_role;
comment on function public.admin_products is 'Lists the products for an admin';

-- Enqueues the alarms that waited for their admin's first message to a bot, oldest first, to be sent at once. Alarms
-- for any admin go to one whom a bot may write to. Alarms past their retention are deleted.
--
-- Concurrency: an alarm is deleted by the transaction that enqueues it, and skipped by all others meanwhile. An alarm
--   that was stored while its admin wrote for the first time is found by the next sweep.
-- Locks: the admins' users (KEY SHARE), then waiting alarms; locked rows are left to the next sweep.
-- Returns: integer, how many were enqueued.
-- Errors: none.
create or replace function private.enqueue_waiting_alarms(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_alarm record;
  v_ids bigint[] := array[]::bigint[];
begin
  delete from private.waiting_alarms as w
   where w.created_at < private.clock() - make_interval(days => private.setting('retention_alarms_days')::integer);
  for v_alarm in
    with ready as (
      select w.id, t.user_id, t.to_bot
        from private.waiting_alarms as w
        cross join lateral (
          select u.id as user_id, private.reachable_bot(u.id, u.telegram_id, w.bot) as to_bot
            from private.admin_accounts() as a
            join public.users as u on u.telegram_id = a.telegram_id
           where (w.email is null or a.email = w.email)
             and private.reachable_bot(u.id, u.telegram_id, w.bot) is not null
           order by a.created_at, a.email
           limit 1
             for key share of u skip locked
        ) as t
       order by w.id
       limit p_limit
         for update of w skip locked
    ), gone as (
      delete from private.waiting_alarms as w
       using ready as r
       where w.id = r.id
      returning w.id, w.key, w.values, w.buttons, r.user_id, r.to_bot
    )
    select g.* from gone as g order by g.id
  loop
    v_ids := v_ids || (
      private.enqueue_user_message(v_alarm.user_id, v_alarm.to_bot, v_alarm.key, v_alarm.values, v_alarm.buttons)
      -> 0 ->> 'id'
    )::bigint;
  end loop;
  -- Enqueued calls are reserved for their caller for a minute; this caller does not deliver them.
  update public.telegram_outbox as o set send_after = private.clock() where o.id = any(v_ids);
  return cardinality(v_ids);
end
$$;

revoke all on function private.enqueue_waiting_alarms from public, anon, authenticated, service_role;
comment on function private.enqueue_waiting_alarms is 'Enqueues the alarms that waited for their admin''s first message';

-- Enqueues a templated message for the admins: all of them, or the one with p_admin_email. Each receives it in p_bot if they
-- have started that bot, otherwise in the bot they used last. For an owner who has not started any bot, and while no admin can be
-- reached, the message is stored until one starts a bot (private.store_waiting_alarm).
--
-- Concurrency: every call enqueues the messages again; the caller calls once per event. A recipient is checked once, so that
--   the message is either enqueued or stored, never both.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing): one for each admin who can be reached.
-- Errors: none.
create or replace function private.notify_admins(
  p_key text, p_values jsonb, p_buttons jsonb default null, p_bot text default null, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_admin record;
  v_message jsonb;
  v_messages jsonb := '[]'::jsonb;
  v_is_stored boolean := false;
begin
  for v_admin in
    select a.email, a.is_owner, u.id as user_id, private.reachable_bot(u.id, u.telegram_id, p_bot) as bot
      from private.admin_accounts() as a
      left join public.users as u on u.telegram_id = a.telegram_id
     where a.telegram_id is not null and (p_admin_email is null or a.email = p_admin_email)
     order by a.email
  loop
    v_message := private.enqueue_user_message(v_admin.user_id, v_admin.bot, p_key, p_values, p_buttons);
    if v_message = '[]' and v_admin.is_owner then
      perform private.store_waiting_alarm(v_admin.email, p_bot, p_key, p_values, p_buttons);
      v_is_stored := true;
    end if;
    v_messages := v_messages || v_message;
  end loop;
  if v_messages = '[]' and not v_is_stored and p_admin_email is null then
    perform private.store_waiting_alarm(null, p_bot, p_key, p_values, p_buttons);
  end if;
  return v_messages;
end
$$;

revoke all on function private.notify_admins from public, anon, authenticated, service_role;
comment on function private.notify_admins is 'Enqueues a templated message for the admins';

-- Checks that an e-mail address belongs to an admin: an owner, or an admin among the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the address as it is stored.
-- Errors: N0001 not an admin.
create or replace function private.require_admin(p_admin_email text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text;
begin
  select a.email into v_email from private.admin_accounts() as a where a.email = lower(p_admin_email);
  if not found then
    raise exception 'not an admin' using errcode = 'N0001';
  end if;
  return v_email;
end
$$;

revoke all on function private.require_admin from public, anon, authenticated, service_role;
comment on function private.require_admin is 'Checks that an e-mail address belongs to an admin';

-- Returns a profile photo by its key, to the user whose photo it is and to admins and operators.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     mime_type: text
--     image: text             (base64)
--   } | null                  (no such photo, or p_viewer_id may not see it)
-- Errors: none.
create or replace function public.get_avatar(p_key uuid, p_viewer_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
           'mime_type', a.mime_type, 'image', translate(encode(a.image, 'base64'), E'\n', '')
         )
    from public.user_avatars as a
    join public.users as v on v.id = p_viewer_id
   where a.key = p_key and a.image is not null and (
     a.user_id = v.id or v.is_admin or exists (select from public.staff as s where s.user_id = v.id and s.role = 'operator')
   );
$$;

revoke all on function public.get_avatar from public, anon, authenticated, service_role;
grant execute on function public.get_avatar to bot_backend;
comment on function public.get_avatar is 'Returns a profile photo to those who may see it';

-- Deletes an uploaded file of a course in an admin's name, unless it is used. Its object enters the queue of deletions.
--
-- Concurrency: the course is locked, as by private.save_lesson: a lesson that begins to use the file at the same moment is saved
--   before, and then the file stays, or after it.
-- Locks: course, file.
-- Returns: jsonb
--   { outcome: 'deleted' | 'used' | 'none' }   (none: the course has no such file)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_delete_course_file(p_slug text, p_file_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_course_id bigint;
  v_file public.course_files;
begin
  select c.id into v_course_id from public.courses as c where c.slug = p_slug for no key update;
  select f.* into v_file from public.course_files as f where f.course_id = v_course_id and f.id = p_file_id for update;
  if not found then
    return '{"outcome": "none"}'::jsonb;
  elsif cardinality(private.course_file_uses(v_file)) > 0 then
    return '{"outcome": "used"}'::jsonb;
  end if;
  delete from public.course_files as f where f.id = v_file.id;
  perform private.write_audit(
    v_email, 'delete_course_file', null, null,
    jsonb_build_object('course', p_slug, 'key', v_file.key, 'name', v_file.name, 'kind', v_file.kind), '{}'
  );
  return '{"outcome": "deleted"}'::jsonb;
end
$$;

revoke all on function public.admin_delete_course_file from public, anon, authenticated, service_role;
grant execute on function public.admin_delete_course_file to bot_backend;
comment on function public.admin_delete_course_file is 'Deletes an uploaded file of a course in an admins name';

-- Returns the learners of a course for an admin's export, in parts by users.id.
--
-- Concurrency: each part is of its own moment. The export is audited once an hour (private.audit_reading).
-- Locks: none.
-- Returns: jsonb
--   {
--     rows: [ private.learner_row ]
--     next: bigint | null  (p_after of the next part; null: this is the last one)
--   } | null               (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_export_learners(
  p_slug text, p_admin_email text, p_after bigint default 0, p_limit integer default 500
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_account text;
  v_ids bigint[];
begin
  v_account := private.require_admin(p_admin_email);
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  if not found then
    return null;
  end if;
  perform private.audit_reading(v_account, 'export_learners', p_slug, null, jsonb_build_object('course', p_slug));
  v_ids := array(
    select distinct e.user_id
      from public.enrollments as e
     where e.course_id = v_course.id and e.user_id > p_after
     order by e.user_id
     limit least(greatest(p_limit, 1), 1000)
  );
  return jsonb_build_object(
    'rows', (
      select coalesce(
          jsonb_agg(private.learner_row(i.user_id, v_course) order by i.user_id), '[]'
        )
        from unnest(v_ids) as i (user_id)
    ),
    'next', case
      when exists (
        select from public.enrollments as e where e.course_id = v_course.id and e.user_id > v_ids[cardinality(v_ids)]
      ) then v_ids[cardinality(v_ids)]
    end
  );
end
$$;

revoke all on function public.admin_export_learners from public, anon, authenticated, service_role;
grant execute on function public.admin_export_learners to bot_backend;
comment on function public.admin_export_learners is 'Returns all learners of a course, in parts';

-- Returns a course with its lessons, cohorts and offers for an editor, with the versions that saving asks for.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     course: jsonb        (all columns of courses)
--     lessons: [ jsonb ]   (all columns of lessons, in their order)
--     cohorts: [ jsonb ]   (all columns of cohorts, by their beginning)
--     offers: [ jsonb ]    (all columns of course_offers)
--   } | null               (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_get_course(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return (
    select jsonb_build_object(
        'course', to_jsonb(c),
        'lessons', (
          select coalesce(jsonb_agg(to_jsonb(l) order by l.position, l.id), '[]')
            from public.lessons as l
           where l.course_id = c.id
        ),
        'cohorts', (
          select coalesce(jsonb_agg(to_jsonb(h) order by h.starts_at, h.id), '[]')
            from public.cohorts as h
           where h.course_id = c.id
        ),
        'offers', (
          select coalesce(jsonb_agg(to_jsonb(f) order by private.tier_rank(f.tier), f.product_key), '[]')
            from public.course_offers as f
           where f.course_id = c.id
        )
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_get_course from public, anon, authenticated, service_role;
grant execute on function public.admin_get_course to bot_backend;
comment on function public.admin_get_course is 'A course with all its columns for an editor';

-- Lists the cohorts of a course for an admin, by their beginning.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     starts_at: timestamptz
--     enrolls_until: timestamptz | null
--     learners: bigint     (with a tier that is not withdrawn)
--   } ] | null             (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_list_cohorts(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'key', h.key,
                'starts_at', h.starts_at,
                'enrolls_until', h.enrolls_until,
                'learners', (
                  select count(distinct e.user_id)
                    from public.enrollments as e
                   where e.cohort_id = h.id and e.withdrawn_at is null
                )
              )
              order by h.starts_at, h.id
            )
            from public.cohorts as h
           where h.course_id = c.id
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_cohorts from public, anon, authenticated, service_role;
grant execute on function public.admin_list_cohorts to bot_backend;
comment on function public.admin_list_cohorts is 'Lists the cohorts of a course for an admin';

-- Lists the uploaded files of a course for an admin, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     kind: 'picture' | 'document' | 'video'
--     key: text
--     name: text
--     alt: text
--     size: bigint         (bytes)
--     created_at: timestamptz
--     used_in: [ text ]    (private.course_file_uses)
--   } ] | null             (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_list_course_files(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'id', f.id, 'kind', f.kind, 'key', f.key, 'name', f.name, 'alt', f.alt, 'size', f.size_bytes,
                'created_at', f.created_at, 'used_in', to_jsonb(private.course_file_uses(f))
              )
              order by f.id desc
            )
            from public.course_files as f
           where f.course_id = c.id and f.status = 'stored'
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_course_files from public, anon, authenticated, service_role;
grant execute on function public.admin_list_course_files to bot_backend;
comment on function public.admin_list_course_files is 'Lists the uploaded files of a course for an admin';

-- Lists homework in a state for an admin: what waits for review the oldest first, else the newest first. p_after: the id of the last
-- one of the page before.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   waiting: bigint        (submissions under review in all courses)
--   submissions: [ {
--     id: bigint
--     user_id: bigint
--     name: text
--     username: text | null
--     course: text                             (slug)
--     lesson: text                             (slug)
--     titles: { [text]: text }                 (of the lesson)
--     homework: { [text]: text } | null
--     n: int
--     text: text
--     file: text | null                        (key in the bucket media)
--     state: 'submitted' | 'returned' | 'accepted'
--     comment: text | null
--     created_at: timestamptz
--   } ]
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_list_homework(
  p_admin_email text, p_state text default 'submitted', p_after bigint default null, p_limit integer default 20
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return jsonb_build_object(
    'waiting', (select count(*) from public.homework_submissions as h where h.state = 'submitted'),
    'submissions', (
      select coalesce(jsonb_agg(r.row order by r.place), '[]')
        from (
          select
            row_number() over (order by case when p_state = 'submitted' then h.id else -h.id end) as place,
            jsonb_build_object(
              'id', h.id,
              'user_id', h.user_id,
              'name', concat_ws(' ', u.first_name, u.last_name),
              'username', u.username,
              'course', c.slug,
              'lesson', l.slug,
              'titles', private.text_titles(l.texts),
              'homework', l.homework,
              'n', h.n,
              'text', h.text,
              'file', f.key,
              'state', h.state,
              'comment', h.comment,
              'created_at', h.created_at
            ) as row
            from public.homework_submissions as h
            join public.users as u on u.id = h.user_id
            join public.lessons as l on l.id = h.lesson_id
            join public.courses as c on c.id = l.course_id
            left join public.stored_files as f on f.id = h.file_id
           where h.state = p_state
             and case when p_state = 'submitted' then h.id > coalesce(p_after, 0) else h.id < coalesce(p_after, h.id + 1) end
           order by case when p_state = 'submitted' then h.id else -h.id end
           limit least(greatest(p_limit, 1), 100)
        ) as r
    )
  );
end
$$;

revoke all on function public.admin_list_homework from public, anon, authenticated, service_role;
grant execute on function public.admin_list_homework to bot_backend;
comment on function public.admin_list_homework is 'Lists homework for the reviewers';

-- Lists the learners of a course with their progress for an admin, those who were enrolled last first; also those whose
-- enrollments are withdrawn or over. p_cohort_key: only those with a tier in this cohort.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     total: bigint
--     page: int            (from 1)
--     pages: int
--     learners: [ private.learner_row ]
--   } | null               (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_list_learners(
  p_slug text, p_admin_email text, p_page integer default 1, p_size integer default 20,
  p_cohort_key text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_size constant integer := least(greatest(p_size, 1), 100);
  v_course public.courses;
  v_total bigint;
  v_pages integer;
  v_page integer;
  v_cohort_id bigint;
begin
  perform private.require_author(p_admin_email);
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  if not found then
    return null;
  end if;
  select h.id into v_cohort_id from public.cohorts as h where h.course_id = v_course.id and h.key = p_cohort_key;
  select count(distinct e.user_id) into v_total
    from public.enrollments as e
   where e.course_id = v_course.id and (p_cohort_key is null or (e.cohort_id = v_cohort_id and e.withdrawn_at is null));
  v_pages := greatest(1, ceil(v_total / v_size::numeric));
  v_page := least(greatest(p_page, 1), v_pages);
  return jsonb_build_object(
    'total', v_total,
    'page', v_page,
    'pages', v_pages,
    'learners', (
      select coalesce(jsonb_agg(private.learner_row(o.user_id, v_course) order by o.last desc), '[]')
        from (
          select e.user_id, max(e.id) as last
            from public.enrollments as e
           where e.course_id = v_course.id
             and (p_cohort_key is null or (e.cohort_id = v_cohort_id and e.withdrawn_at is null))
           group by e.user_id
           order by max(e.id) desc
           limit v_size
          offset (v_page - 1) * v_size
        ) as o
    )
  );
end
$$;

revoke all on function public.admin_list_learners from public, anon, authenticated, service_role;
grant execute on function public.admin_list_learners to bot_backend;
comment on function public.admin_list_learners is 'Lists the learners of a course for an admin';

-- Registers a file of a course before it is uploaded to Supabase Storage, in an admin's name, and returns its key. p_name identifies
-- the file: a repeated call returns the same key. Uploads of the course that were not completed within a day are removed.
--
-- Concurrency: the course is locked, so two first files get one folder.
-- Locks: course, files.
-- Returns: jsonb
--   {
--     key: text
--     status: 'uploading' | 'stored'    (stored: it is there already, from an earlier call)
--   } | null                            (no such course)
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_register_course_file(
  p_slug text, p_kind text, p_title text, p_alt text, p_name uuid, p_extension text, p_mime_type text, p_size bigint,
  p_admin_email text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_course_id bigint;
  v_folder text;
  v_key text;
  v_file public.course_files;
begin
  select c.id into v_course_id from public.courses as c where c.slug = p_slug for no key update;
  if not found then
    return null;
  end if;
  delete from public.course_files as f
   where f.course_id = v_course_id
     and f.status = 'uploading'
     and f.created_at <= private.clock() - interval '1 day';
  select split_part(f.key, '/', 2) into v_folder
    from public.course_files as f
   where f.course_id = v_course_id
   order by f.id desc
   limit 1;
  v_key := format('courses/%s/%s.%s', coalesce(v_folder, gen_random_uuid()::text), p_name, p_extension);
  insert into public.course_files (course_id, kind, key, name, alt, mime_type, size_bytes)
  values (v_course_id, p_kind, v_key, p_title, coalesce(p_alt, ''), p_mime_type, p_size)
  on conflict (key) do nothing
  returning * into v_file;
  if v_file.id is not null then
    perform private.write_audit(
      v_email, 'add_course_file', null, null, '{}',
      jsonb_build_object('course', p_slug, 'key', v_key, 'name', p_title, 'kind', p_kind)
    );
  else
    select f.* into strict v_file from public.course_files as f where f.key = v_key;
  end if;
  return jsonb_build_object('key', v_file.key, 'status', v_file.status);
exception when check_violation or not_null_violation then
  raise exception 'a value of the file is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_register_course_file from public, anon, authenticated, service_role;
grant execute on function public.admin_register_course_file to bot_backend;
comment on function public.admin_register_course_file is 'Registers a file of a course before it is uploaded';

-- Gives a cohort another key in an admin's name. Its learners and offers stay.
--
-- Concurrency: the key is unique in the course, so of two cohorts that get one key at once the second is refused.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none' }   (exists: another cohort of the course has this key; none: no such cohort)
-- Errors: N0001 neither an admin nor an author; W0003 the key is invalid.
create or replace function public.admin_rename_cohort(p_slug text, p_key text, p_new_key text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_cohort_id bigint;
begin
  update public.cohorts as h
     set key = p_new_key
    from public.courses as c
   where c.slug = p_slug and h.course_id = c.id and h.key = p_key
  returning h.id into v_cohort_id;
  if v_cohort_id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  if p_key <> p_new_key then
    perform private.write_audit(
      v_email, 'save_cohort', null, null,
      jsonb_build_object('id', v_cohort_id, 'key', p_key),
      jsonb_build_object('id', v_cohort_id, 'key', p_new_key, 'course', p_slug)
    );
  end if;
  return '{"outcome": "saved"}'::jsonb;
exception
  when unique_violation then
    return '{"outcome": "exists"}'::jsonb;
  when check_violation or not_null_violation then
    raise exception 'a value of the cohort is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_rename_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_rename_cohort to bot_backend;
comment on function public.admin_rename_cohort is 'Gives a cohort another key in an admins name';

-- Accepts a learner's homework, or returns it with a comment, in an admin's name. The learner gets a message.
--
-- Concurrency: the submission is locked; of two reviews the first counts.
-- Locks: submission.
-- Returns: jsonb
--   {
--     outcome: 'reviewed'
--       | 'known'          (reviewed before)
--     state: 'returned' | 'accepted'
--     outgoing: outgoing   (the message to the learner, sent once)
--   } | null               (no such submission)
-- Errors: N0001 neither an admin nor an author; N0004 the comment is missing (returned) or longer than 10,000 characters.
create or replace function public.admin_review_homework(
  p_submission_id bigint, p_is_accepted boolean, p_comment text, p_admin_email text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_comment constant text := nullif(btrim(p_comment, E' \t\r\n'), '');
  v_submission public.homework_submissions;
  v_user public.users;
  v_titles jsonb;
begin
  if length(v_comment) > 10000 or (not p_is_accepted and v_comment is null) then
    raise exception 'a returned homework needs a comment of at most 10000 characters' using errcode = 'N0004';
  end if;
  select h.* into v_submission from public.homework_submissions as h where h.id = p_submission_id for update;
  if not found then
    return null;
  elsif v_submission.state <> 'submitted' then
    return jsonb_build_object('outcome', 'known', 'state', v_submission.state, 'outgoing', '[]'::jsonb);
  end if;
  update public.homework_submissions as h
     set state = case when p_is_accepted then 'accepted' else 'returned' end,
         comment = v_comment,
         reviewer_email = v_email,
         reviewed_at = private.clock()
   where h.id = p_submission_id
  returning h.* into v_submission;
  select u.* into v_user
    from public.users as u
   where u.id = v_submission.user_id and u.banned_at is null and u.is_active;
  select private.text_titles(l.texts) into v_titles from public.lessons as l where l.id = v_submission.lesson_id;
  return jsonb_build_object(
    'outcome', 'reviewed',
    'state', v_submission.state,
    'outgoing', private.enqueue_user_message(
      v_user.id,
      private.reachable_bot(v_user.id, v_user.telegram_id, null),
      case when p_is_accepted then 'homework_accepted' else 'homework_returned' end,
      jsonb_build_object('lesson', v_titles)
    )
  );
end
$$;

revoke all on function public.admin_review_homework from public, anon, authenticated, service_role;
grant execute on function public.admin_review_homework to bot_backend;
comment on function public.admin_review_homework is 'Accepts or returns homework in an admins name';

-- Creates or changes a cohort of a course in an admin's name. Its learners get their lessons by the new beginning from now on; what
-- they have opened stays open.
--
-- Concurrency: the row is created or changed in one statement. The ends of timed access follow at the next change of a grant.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'none', id?: bigint }   (none: no such course)
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_save_cohort(
  p_slug text, p_key text, p_starts_at timestamptz, p_admin_email text, p_enrolls_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_before jsonb;
  v_cohort public.cohorts;
begin
  select to_jsonb(h) into v_before
    from public.cohorts as h
    join public.courses as c on c.id = h.course_id
   where c.slug = p_slug and h.key = p_key;
  insert into public.cohorts as h (course_id, key, starts_at, enrolls_until)
  select c.id, p_key, p_starts_at, p_enrolls_until from public.courses as c where c.slug = p_slug
  on conflict (course_id, key) do update set starts_at = excluded.starts_at, enrolls_until = excluded.enrolls_until
  returning h.* into v_cohort;
  if v_cohort.id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  perform private.write_audit(
    v_email, 'save_cohort', null, null, coalesce(v_before, '{}'), to_jsonb(v_cohort) || jsonb_build_object('course', p_slug)
  );
  return jsonb_build_object('outcome', 'saved', 'id', v_cohort.id);
exception when check_violation or not_null_violation then
  raise exception 'a value of the cohort is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_save_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_save_cohort to bot_backend;
comment on function public.admin_save_cohort is 'Creates or changes a cohort in an admins name';

-- Creates or changes a course in an admin's name (private.write_course), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.write_course.
-- Locks: as private.write_course.
-- Returns: jsonb
--   ...private.write_course
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_save_course(
  p_slug text, p_values jsonb, p_admin_email text, p_version integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_saved constant jsonb := private.write_course(p_slug, p_values, p_version);
begin
  if v_saved ->> 'outcome' in ('created', 'saved') then
    perform private.write_audit(
      v_email, 'save_course', null, null, jsonb_build_object('version', p_version),
      jsonb_build_object(
        'course', p_slug, 'version', v_saved -> 'version',
        'columns', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_values) as k (key))
      )
    );
  end if;
  return v_saved;
end
$$;

revoke all on function public.admin_save_course from public, anon, authenticated, service_role;
grant execute on function public.admin_save_course to bot_backend;
comment on function public.admin_save_course is 'Creates or changes a course in an admin''s name';

-- Creates or changes a lesson in an admin's name (private.write_lesson), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.write_lesson.
-- Locks: as private.write_lesson.
-- Returns: jsonb
--   ...private.write_lesson
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_save_lesson(
  p_course_slug text, p_slug text, p_values jsonb, p_admin_email text, p_version integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_saved constant jsonb := private.write_lesson(p_course_slug, p_slug, p_values, p_version);
begin
  if v_saved ->> 'outcome' in ('created', 'saved') then
    perform private.write_audit(
      v_email, 'save_lesson', null, null, jsonb_build_object('version', p_version),
      jsonb_build_object(
        'course', p_course_slug, 'lesson', p_slug, 'version', v_saved -> 'version',
        'columns', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_values) as k (key))
      )
    );
  end if;
  return v_saved;
end
$$;

revoke all on function public.admin_save_lesson from public, anon, authenticated, service_role;
grant execute on function public.admin_save_lesson to bot_backend;
comment on function public.admin_save_lesson is 'Creates or changes a lesson in an admin''s name';

-- Erases the user of an update, as the last change of this update. What accounting needs stays without the user:
-- orders and payments, the ledger, whose remaining balance is booked out first, and the audit log of admins. Users
-- whom they referred, or who referred them, keep their credits.
--
-- p_erasure {hash, balance}: the key of the tombstone in erased_users, and the balance that the user agreed to lose.
-- The update keeps its answer without the chat id, and its outbox items until they are delivered.
--
-- Concurrency: the caller holds the update row and has locked the user exclusively (private.lock_user): every other
--   change of the user's data is committed, or will find no user. Update rows of the user that are locked right now
--   are skipped; their workers anonymize them when they try to lock the user.
-- Locks: as private.anonymize_payment_data and private.save_tombstone, waiting alarms, update row, the user's other
--   update rows (FOR UPDATE SKIP LOCKED), outbox items, audit log, scores on boards, calls to AI providers, referrals, teams
--   by id, user.
-- Returns: void
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function private.erase_user(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is higher than the user agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference does not identify the user.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.anonymize_payment_data(v_user);
  perform private.save_tombstone(v_user, p_erasure ->> 'hash');
  insert into private.erasures (user_id, user_hash)
  values (v_user.id, decode(p_erasure ->> 'hash', 'hex'))
  on conflict (user_id) do nothing;

  -- An error message may quote the user's text.
  update private.waiting_alarms as w
     set values = w.values || '{"error": "—"}'
   where w.key = 'owner_alert'
     and exists (
       select
         from public.telegram_updates as t
        where t.bot = w.values ->> 'bot'
          and t.update_id = (w.values ->> 'update_id')::bigint
          and t.user_id = v_user.id
     );
  update public.telegram_updates as t
     set chat_id = null, thread_id = 0, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.anonymize_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  delete from private.waiting_alarms as w where w.values ->> 'user' = v_user.telegram_id::text;
  -- Bodies that could not be parsed have no user_id: search them for the Telegram id.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'invalid' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - array['reason', 'email'], after = l.after - array['reason', 'email']
   where l.user_id = v_user.id;
  perform private.leave_boards(v_user.id);
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  perform private.hand_over_teams(v_user.id);
  -- Foreign keys delete the remaining rows or set their user_id to null.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_user from public, anon, authenticated, service_role;
comment on function private.erase_user is 'Erases the user of an update';

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
    'conversations', (
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference', 'summary_claim', 'summary_claimed_at'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
    ),
    'conversation_files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_conversation_files as f
       where f.user_id = u.id
    ),
    'shared_pages', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'digest', 'reference'] order by s.id), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = u.id
    ),
    'web_sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'token_hash'] order by s.id), '[]'::jsonb)
        from public.user_sessions as s
       where s.user_id = u.id
    ),
    'logins', (
      select coalesce(
        jsonb_agg(
          to_jsonb(a) - array['public_hash', 'browser_hash', 'code', 'verifier', 'return_to', 'address_hash', 'user_id', 'session_hash']
          order by a.created_at
        ),
        '[]'::jsonb
      )
        from public.login_attempts as a
       where a.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'memory_proposals', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['id', 'user_id'] order by p.id), '[]'::jsonb)
        from public.ai_memory_proposals as p
       where p.user_id = u.id
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
    'photo', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'bot', a.bot, 'photo_id', a.photo_id, 'mime_type', a.mime_type, 'image', encode(a.image, 'base64'),
               'wanted_at', a.wanted_at, 'checked_at', a.checked_at
             )), '[]'::jsonb)
        from public.user_avatars as a
       where a.user_id = u.id
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
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
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
    'courses', private.courses_section(u.id),
    'messenger', private.messenger_section(u.id),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
    'broadcasts', private.broadcasts_section(u.id),
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
    'staff', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['user_id', 'added_by']), '[]'::jsonb)
        from public.staff as s
       where s.user_id = u.id
    ),
    'staff_invitations', (
      select coalesce(
          jsonb_agg(to_jsonb(i) - array['id', 'token_hash', 'created_by', 'accepted_by'] order by i.id), '[]'::jsonb
        )
        from public.staff_invitations as i
       where i.created_by = u.id or i.accepted_by = u.id
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

-- Finds the session of a token, with what pages need of its user. Prolongs it, at most every five minutes.
--
-- Concurrency: two pages at once write the same. Session and user are of one moment, also while the user is being erased.
-- Locks: user (KEY SHARE), avatar and session, only where it is prolonged.
-- Returns: jsonb
--   session: {
--      id: int
--      way: text
--      user_id: int
--      telegram_id: int
--      first_name: text
--      last_name: text | null
--      username: text | null
--      languages: [ text | null ]     (chosen, of the Telegram client)
--      time_zone: text
--      role: text | null              ('owner' | 'admin' | 'operator' | 'author'; null: not staff)
--      is_paid: boolean
--      photo: uuid | null             (key of the profile photo)
--   } | null
-- Errors: none.
create or replace function public.find_user_session(p_token_hash bytea)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_found record;
  v_session public.user_sessions;
  v_user public.users;
  v_role text;
begin
  select s as session_row, u as user_row into v_found
    from public.user_sessions as s
    join public.users as u on u.id = s.user_id
   where s.token_hash = p_token_hash and s.expires_at > v_now;
  if not found then
    return '{"session": null}'::jsonb;
  end if;
  v_session := v_found.session_row;
  v_user := v_found.user_row;
  v_role := private.staff_role(v_user.id);
  if v_session.last_seen_at <= v_now - interval '5 minutes' then
    -- First, because an erasure locks the user before the session.
    perform public.want_avatars(jsonb_build_array(v_user.id));
    update public.user_sessions as s
       set last_seen_at = v_now, expires_at = least(s.ends_at, v_now + private.session_idle(v_role is not null or v_session.way = 'mini_app'))
     where s.id = v_session.id;
  end if;
  return jsonb_build_object('session', jsonb_build_object(
    'id', v_session.id, 'way', v_session.way, 'user_id', v_user.id, 'telegram_id', v_user.telegram_id,
    'first_name', v_user.first_name, 'last_name', v_user.last_name, 'username', v_user.username,
    'languages', jsonb_build_array(v_user.language, v_user.language_code),
    'time_zone', coalesce(
      (select k.time_zone from public.streaks as k where k.user_id = v_user.id), private.setting('quota_timezone')
    ),
    'role', v_role, 'is_paid', v_user.is_paid,
    'photo', (select a.key from public.user_avatars as a where a.user_id = v_user.id and a.image is not null)
  ));
end
$$;

revoke all on function public.find_user_session from public, anon, authenticated, service_role;
grant execute on function public.find_user_session to bot_backend;
comment on function public.find_user_session is 'Finds the session of a token, with what pages need of its user';

-- Opens a session of a user. A session of the staff is shorter: 12 hours without a page, 7 days at most; other sessions 14 and 90
-- days. A Mini App is logged in each time it is opened, so its session ends after 12 hours without a page too.
-- Staff get a message about every session but a Mini App's, in which Telegram itself vouches for the device.
--
-- Concurrency: the user's row is locked, so a ban at the same time ends the session or prevents it. A repeated call with the same
--   token changes nothing.
-- Locks: user (SHARE), session, avatar.
-- Returns: jsonb
--   outcome: 'opened' | 'banned'
--   messages?: outgoing        (opened: to deliver now)
-- Errors: Z0004, no such user.
create or replace function private.open_user_session(p_user_id bigint, p_token_hash bytea, p_way text, p_device text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_user public.users;
  v_is_staff boolean;
  v_messages jsonb := '[]'::jsonb;
begin
  -- FOR SHARE, because a ban or a change of rights updates the row without touching its key.
  select u.* into v_user from public.users as u where u.id = p_user_id for share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  elsif v_user.banned_at is not null then
    return jsonb_build_object('outcome', 'banned');
  end if;
  v_is_staff := private.staff_role(p_user_id) is not null;
  insert into public.user_sessions (token_hash, user_id, way, device, created_at, last_seen_at, expires_at, ends_at)
  values (
    p_token_hash, p_user_id, p_way, p_device, v_now, v_now, v_now + private.session_idle(v_is_staff or p_way = 'mini_app'),
    v_now + case when v_is_staff then interval '7 days' else interval '90 days' end
  )
  on conflict (token_hash) do nothing;
  if found and v_is_staff and p_way <> 'mini_app' then
    v_messages := private.notify_user(
      p_user_id, 'login_notice', jsonb_build_object('device', p_device),
      '[[{"key": "login_end_all", "data": "login!all"}]]'
    );
  end if;
  perform public.want_avatars(jsonb_build_array(p_user_id));
  return jsonb_build_object('outcome', 'opened', 'messages', v_messages);
end
$$;

revoke all on function private.open_user_session from public, anon, authenticated, service_role;
comment on function private.open_user_session is 'Opens a session of a user';

-- Gives the user who opened the link of an invitation its role. The invitation counts while the one who sent it may still give
-- the role. The sender gets a message.
--
-- Concurrency: changes of roles wait for each other: of two users who open a link at once, one gets the role. The same user
--   again gets the same result.
-- Locks: the advisory lock of roles, user (NO KEY UPDATE), invitation, then private.mark_staff.
-- Returns: jsonb
--   outcome: 'given' | 'known' | 'gone'   (known: the user has the role or a higher one, and the link stays valid)
--   role?: text                           (given, known)
--   outgoing?: outgoing                   (given: to deliver now)
-- Errors: none.
create or replace function public.accept_staff_invitation(p_user_id bigint, p_token_hash bytea)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_user public.users;
  v_invitation public.staff_invitations;
  v_before public.staff;
  v_role text;
begin
  perform pg_advisory_xact_lock(hashtextextended('roles of staff', 0));
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select i.* into v_invitation from public.staff_invitations as i where i.token_hash = p_token_hash for update;
  v_role := private.staff_role(p_user_id);
  if v_invitation.accepted_by = p_user_id and v_role = v_invitation.role then
    return jsonb_build_object('outcome', 'given', 'role', v_role, 'outgoing', '[]'::jsonb);
  elsif v_user.id is null
    or v_user.banned_at is not null
    or v_invitation.id is null
    or v_invitation.accepted_at is not null
    or v_invitation.canceled_at is not null
    or v_invitation.expires_at <= v_now
    or not private.role_includes(
      private.staff_role(v_invitation.created_by), case when v_invitation.role = 'admin' then 'owner' else 'admin' end
    )
  then
    return jsonb_build_object('outcome', 'gone');
  elsif v_role = v_invitation.role or v_role in ('owner', 'admin') then
    return jsonb_build_object('outcome', 'known', 'role', v_role);
  end if;
  select s.* into v_before from public.staff as s where s.user_id = p_user_id;
  if private.check_staff_email(v_invitation.role, v_invitation.email, p_user_id) is not null then
    return jsonb_build_object('outcome', 'gone');
  end if;
  update public.staff_invitations as i
     set accepted_at = v_now, accepted_by = p_user_id
   where i.id = v_invitation.id;
  insert into public.staff (user_id, role, email, added_by)
  values (p_user_id, v_invitation.role, coalesce(v_invitation.email, v_before.email), v_invitation.created_by)
  on conflict (user_id) do update set role = excluded.role, email = excluded.email, added_by = excluded.added_by;
  perform private.write_audit(
    private.account_name(v_invitation.created_by), 'accept_staff_invitation', p_user_id, null,
    jsonb_build_object('role', v_before.role, 'email', v_before.email),
    jsonb_build_object('role', v_invitation.role, 'email', coalesce(v_invitation.email, v_before.email))
  );
  return jsonb_build_object(
    'outcome', 'given',
    'role', v_invitation.role,
    'outgoing', private.notify_user(
      v_invitation.created_by, 'staff_joined_' || v_invitation.role,
      jsonb_build_object('name', jsonb_build_object('name', concat_ws(' ', v_user.first_name, v_user.last_name)))
    )
  );
end
$$;

revoke all on function public.accept_staff_invitation from public, anon, authenticated, service_role;
grant execute on function public.accept_staff_invitation to bot_backend;
comment on function public.accept_staff_invitation is 'Gives the user who opened the link of an invitation its role';

-- Returns the account under which the audit log records what a member of the staff does: their e-mail address, else user:<id>.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text; null: no such user.
-- Errors: none.
create or replace function private.account_name(p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (select a.email from public.admins as a where a.telegram_id = u.telegram_id),
      (select s.email from public.staff as s where s.user_id = u.id),
      'user:' || u.id
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function private.account_name from public, anon, authenticated, service_role;
comment on function private.account_name is 'The account under which the audit log records what a member of the staff does';

-- Records that a member of the staff read or exported data of users: one entry per account, action, subject and hour. Its
-- action begins with read_ or export_.
--
-- Concurrency: the reference is unique; the second call within the hour changes nothing.
-- Locks: none but the new row.
-- Returns: void
-- Errors: none.
create or replace function private.audit_reading(
  p_account text, p_action text, p_subject text, p_user_id bigint default null, p_values jsonb default '{}'
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.audit_log (admin_email, action, user_id, reference, before, after)
  values (
    p_account, p_action, p_user_id,
    format('%s:%s:%s:%s', p_action, p_account, p_subject, to_char(private.clock() at time zone 'UTC', 'YYYYMMDDHH24')),
    '{}', p_values
  )
  on conflict (reference) do nothing;
end
$$;

revoke all on function private.audit_reading from public, anon, authenticated, service_role;
comment on function private.audit_reading is 'Records that a member of the staff read or exported data of users';

-- Cancels an invitation to the staff that has not been used.
--
-- Concurrency: of a cancellation and an acceptance at once, the first counts.
-- Locks: the advisory lock of roles, invitation.
-- Returns: jsonb
--   outcome: 'canceled' | 'none'
-- Errors: N0009 the actor may not change this role.
create or replace function public.cancel_staff_invitation(p_actor_id bigint, p_invitation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account text := private.check_role_change(p_actor_id, array['operator']);
  v_invitation public.staff_invitations;
begin
  select i.* into v_invitation
    from public.staff_invitations as i
   where i.id = p_invitation_id and i.accepted_at is null and i.canceled_at is null
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  perform private.check_role_change(p_actor_id, array[v_invitation.role]);
  update public.staff_invitations as i set canceled_at = private.clock() where i.id = p_invitation_id;
  perform private.write_audit(
    v_account, 'cancel_staff_invitation', null, null,
    jsonb_build_object('role', v_invitation.role, 'email', v_invitation.email), jsonb_build_object('role', null)
  );
  return jsonb_build_object('outcome', 'canceled');
end
$$;

revoke all on function public.cancel_staff_invitation from public, anon, authenticated, service_role;
grant execute on function public.cancel_staff_invitation to bot_backend;
comment on function public.cancel_staff_invitation is 'Cancels an invitation to the staff';

-- Checks that a member of the staff may give, change or take a role: owners every role, admins those of operators and authors.
-- Changes of roles wait for each other, so that each sees the roles that the one before has left.
--
-- Concurrency: an advisory lock until the end of the transaction.
-- Locks: the advisory lock of roles.
-- Returns: text, the account of the actor in the audit log.
-- Errors: N0009 the actor may not change this role.
create or replace function private.check_role_change(p_actor_id bigint, p_roles text[])
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('roles of staff', 0));
  return private.require_staff(p_actor_id, case when p_roles && array['owner', 'admin'] then 'owner' else 'admin' end);
end
$$;

revoke all on function private.check_role_change from public, anon, authenticated, service_role;
comment on function private.check_role_change is 'Checks that a member of the staff may give, change or take a role';

-- Checks the e-mail address of a new role: admins need one, and no other account may have it.
--
-- Concurrency: read-only; the caller holds the lock of roles.
-- Locks: none.
-- Returns: text, what is wrong: 'email_missing' | 'email_wrong' | 'email_taken'; null: nothing.
-- Errors: none.
create or replace function private.check_staff_email(p_role text, p_email text, p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_email is null then case when p_role = 'admin' then 'email_missing' end
    when length(p_email) > 254 or p_email !~ '^[^@[:space:],]+@[^@[:space:],]+\.[^@[:space:],]+$' then 'email_wrong'
    when exists (select from public.admins as a where a.email = p_email)
      or exists (select from public.staff as s where s.email = p_email and s.user_id is distinct from p_user_id)
    then 'email_taken'
  end;
$$;

revoke all on function private.check_staff_email from public, anon, authenticated, service_role;
comment on function private.check_staff_email is 'Checks the e-mail address of a new role';

-- Creates an invitation to the staff. Its link works once, for three days.
--
-- Concurrency: the hash of the token is unique; a repeated call changes nothing.
-- Locks: the advisory lock of roles, the new row.
-- Returns: jsonb
--   outcome: 'invited' | 'email_missing' | 'email_wrong' | 'email_taken'
-- Errors: N0004 no such role; N0009 the actor may not give this role.
create or replace function public.invite_staff(p_actor_id bigint, p_role text, p_token_hash bytea, p_email text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_email text := lower(nullif(trim(p_email), ''));
  v_account text;
  v_wrong text;
begin
  if p_role is null or p_role not in ('admin', 'operator', 'author') then
    raise exception 'no such role' using errcode = 'N0004';
  end if;
  v_account := private.check_role_change(p_actor_id, array[p_role]);
  v_wrong := private.check_staff_email(p_role, v_email, null);
  if v_wrong is not null then
    return jsonb_build_object('outcome', v_wrong);
  end if;
  insert into public.staff_invitations (token_hash, role, email, created_by, created_at, expires_at)
  values (p_token_hash, p_role, v_email, p_actor_id, v_now, v_now + interval '3 days')
  on conflict (token_hash) do nothing;
  if found then
    perform private.write_audit(
      v_account, 'invite_staff', null, null, '{}', jsonb_build_object('role', p_role, 'email', v_email)
    );
  end if;
  return jsonb_build_object('outcome', 'invited');
end
$$;

revoke all on function public.invite_staff from public, anon, authenticated, service_role;
grant execute on function public.invite_staff to bot_backend;
comment on function public.invite_staff is 'Creates an invitation to the staff';

-- Returns owners, staff and open invitations, for an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   is_owner: boolean          (of the actor)
--   members: [ {
--     user_id: bigint | null, telegram_id: bigint | null   (null: an owner who has started no bot, or has no Telegram account)
--     name: text, username: text | null, role: text, email: text | null, account: text | null, is_banned: boolean
--     since: timestamptz, last_seen_at: timestamptz | null  (of the newest session)
--     added_by: text | null
--   } ]
--   invitations: [ { id: bigint, role: text, email: text | null, expires_at: timestamptz, created_by: text | null } ]
-- Errors: N0009 not an admin.
create or replace function public.list_staff(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'is_owner', private.staff_role(p_actor_id) = 'owner',
    'members', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'user_id', u.id,
              'telegram_id', coalesce(u.telegram_id, m.telegram_id),
              'name', coalesce(nullif(concat_ws(' ', u.first_name, u.last_name), ''), m.email, ''),
              'username', u.username,
              'role', m.role,
              'email', m.email,
              'account', coalesce(m.email, 'user:' || u.id),
              'is_banned', u.banned_at is not null,
              'since', m.created_at,
              'last_seen_at', (select max(s.last_seen_at) from public.user_sessions as s where s.user_id = u.id),
              'added_by', private.account_name(m.added_by)
            )
            order by m.rank, m.created_at, m.email
          ),
          '[]'::jsonb
        )
        from (
          select 0 as rank, 'owner' as role, a.email, a.telegram_id, null::bigint as user_id, null::bigint as added_by, a.created_at
            from public.admins as a
          union all
          select array_position(array['admin', 'operator', 'author'], s.role), s.role, s.email, null, s.user_id, s.added_by, s.created_at
            from public.staff as s
        ) as m
        left join public.users as u on u.id = m.user_id or (m.user_id is null and u.telegram_id = m.telegram_id)
       where m.rank = 0 or not exists (select from public.admins as a where a.telegram_id = u.telegram_id)
    ),
    'invitations', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', i.id, 'role', i.role, 'email', i.email, 'expires_at', i.expires_at,
              'created_by', private.account_name(i.created_by)
            )
            order by i.id
          ),
          '[]'::jsonb
        )
        from public.staff_invitations as i
       where i.accepted_at is null and i.canceled_at is null and i.expires_at > private.clock()
    )
  );
end
$$;

revoke all on function public.list_staff from public, anon, authenticated, service_role;
grant execute on function public.list_staff to bot_backend;
comment on function public.list_staff is 'Returns owners, staff and open invitations';

-- Takes the role of a member of the staff and cancels the invitations that they have sent. The user is logged out on the site.
--
-- Concurrency: changes of roles wait for each other; the second removal finds no role.
-- Locks: the advisory lock of roles, user (NO KEY UPDATE), then private.mark_staff, invitations.
-- Returns: jsonb
--   outcome: 'removed' | 'none'
-- Errors: N0009 the actor may not take this role.
create or replace function public.remove_staff(p_actor_id bigint, p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account text := private.check_role_change(p_actor_id, array['operator']);
  v_before public.staff;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_before from public.staff as s where s.user_id = p_user_id;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  perform private.check_role_change(p_actor_id, array[v_before.role]);
  delete from public.staff as s where s.user_id = p_user_id;
  update public.staff_invitations as i
     set canceled_at = private.clock()
   where i.created_by = p_user_id and i.accepted_at is null and i.canceled_at is null;
  perform private.write_audit(
    v_account, 'remove_staff', p_user_id, null,
    jsonb_build_object('role', v_before.role, 'email', v_before.email), jsonb_build_object('role', null)
  );
  return jsonb_build_object('outcome', 'removed');
end
$$;

revoke all on function public.remove_staff from public, anon, authenticated, service_role;
grant execute on function public.remove_staff to bot_backend;
comment on function public.remove_staff is 'Takes the role of a member of the staff';

-- Checks that an account may edit courses: an admin's e-mail address, or the account of an author (private.account_name).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the account as the audit log names it.
-- Errors: N0001 neither an admin nor an author.
create or replace function private.require_author(p_account text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_author bigint;
begin
  select s.user_id into v_author
    from public.staff as s
   where s.role = 'author' and (
     s.email = lower(p_account)
     or (s.email is null and s.user_id = case when p_account ~ '^user:[0-9]{1,18}$' then substr(p_account, 6)::bigint end)
   );
  if found then
    return private.require_staff(v_author, 'author');
  end if;
  return private.require_admin(p_account);
end
$$;

revoke all on function private.require_author from public, anon, authenticated, service_role;
comment on function private.require_author is 'Checks that an account may edit courses';

-- Checks that a user may act in a role. Functions that a page of the staff calls begin with it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the user's account in the audit log (private.account_name).
-- Errors: N0009 the user's role does not allow it.
create or replace function private.require_staff(p_actor_id bigint, p_role text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if not private.role_includes(private.staff_role(p_actor_id), p_role) then
    raise exception 'the role does not allow this' using errcode = 'N0009';
  end if;
  return private.account_name(p_actor_id);
end
$$;

revoke all on function private.require_staff from public, anon, authenticated, service_role;
comment on function private.require_staff is 'Checks that a user may act in a role';

-- Returns whether a role has the rights of another: owner, then admin, then operator; an author has those of courses, which
-- admins and owners have too.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.role_includes(p_role text, p_needed text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_role = p_needed or p_role = 'owner' or (p_role = 'admin' and p_needed in ('operator', 'author')), false);
$$;

revoke all on function private.role_includes from public, anon, authenticated, service_role;
comment on function private.role_includes is 'Returns whether a role has the rights of another';

-- Gives a known user a role, or changes it. The user gets a message and is logged out on the site.
--
-- Concurrency: changes of roles wait for each other. The same role again changes nothing but the e-mail address.
-- Locks: the advisory lock of roles, user (NO KEY UPDATE), then private.mark_staff.
-- Returns: jsonb
--   outcome: 'given' | 'known' | 'owner' | 'banned' | 'unknown' | 'email_missing' | 'email_wrong' | 'email_taken'
--                              (known: the user has the role already; owner: owners have every right; unknown: no such user)
--   outgoing?: outgoing        (given: to deliver now)
-- Errors: N0004 no such role; N0009 the actor may not give or change this role.
create or replace function public.set_staff_role(p_actor_id bigint, p_user_id bigint, p_role text, p_email text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := lower(nullif(trim(p_email), ''));
  v_account text;
  v_user public.users;
  v_before public.staff;
  v_wrong text;
begin
  if p_role is null or p_role not in ('admin', 'operator', 'author') then
    raise exception 'no such role' using errcode = 'N0004';
  end if;
  v_account := private.check_role_change(p_actor_id, array[p_role]);
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif exists (select from public.admins as a where a.telegram_id = v_user.telegram_id) then
    return jsonb_build_object('outcome', 'owner');
  elsif v_user.banned_at is not null then
    return jsonb_build_object('outcome', 'banned');
  end if;
  select s.* into v_before from public.staff as s where s.user_id = p_user_id;
  perform private.check_role_change(p_actor_id, array[v_before.role]);
  v_email := coalesce(v_email, v_before.email);
  v_wrong := private.check_staff_email(p_role, v_email, p_user_id);
  if v_wrong is not null then
    return jsonb_build_object('outcome', v_wrong);
  elsif v_before.role = p_role and v_before.email is not distinct from v_email then
    return jsonb_build_object('outcome', 'known');
  end if;
  insert into public.staff as s (user_id, role, email, added_by)
  values (p_user_id, p_role, v_email, p_actor_id)
  on conflict (user_id) do update set role = excluded.role, email = excluded.email, added_by = excluded.added_by;
  perform private.write_audit(
    v_account, 'set_staff_role', p_user_id, null,
    jsonb_build_object('role', v_before.role, 'email', v_before.email), jsonb_build_object('role', p_role, 'email', v_email)
  );
  if v_before.role = p_role then
    return jsonb_build_object('outcome', 'known');
  end if;
  return jsonb_build_object('outcome', 'given', 'outgoing', private.notify_user(p_user_id, 'staff_given_' || p_role, '{}'));
end
$$;

revoke all on function public.set_staff_role from public, anon, authenticated, service_role;
grant execute on function public.set_staff_role to bot_backend;
comment on function public.set_staff_role is 'Gives a known user a role, or changes it';

-- Returns the account under which a user acts in a role, for functions that take an account.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   account: text | null       (null: the user's role does not allow it)
-- Errors: none.
create or replace function public.staff_account(p_user_id bigint, p_role text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object('account', case
    when private.role_includes(private.staff_role(p_user_id), p_role) then private.account_name(p_user_id)
  end);
end
$$;

revoke all on function public.staff_account from public, anon, authenticated, service_role;
grant execute on function public.staff_account to bot_backend;
comment on function public.staff_account is 'The account under which a user acts in a role';

-- Returns the audit log for the page of admins, newest first, page by page: who read and changed what.
--
-- Concurrency: read-only, over indexes. A page starts below p_before, so new entries do not shift it.
-- Locks: none.
-- Returns: jsonb
--   entries: [ {
--     id: bigint, account: text, action: text, is_reading: boolean, before: jsonb, after: jsonb, created_at: timestamptz
--     actor: text | null     (name of the account's user; null: unknown or erased)
--     user: { telegram_id: bigint, username: text | null, first_name: text } | null
--   } ]
--   next: bigint | null    (p_before of the next page)
--   currency: text         (of balances)
-- Errors: N0009 not an admin.
create or replace function public.staff_audit(
  p_actor_id bigint, p_account text default null, p_kind text default null, p_user_id bigint default null,
  p_before bigint default null, p_limit integer default 50
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit constant integer := least(greatest(p_limit, 1), 100);
  v_before constant bigint := coalesce(p_before, 9223372036854775807);
  v_ids bigint[];
begin
  perform private.require_staff(p_actor_id, 'admin');
  -- One query for each combination of what narrows most, so that each uses its own index.
  if p_user_id is not null then
    v_ids := array(
      select l.id from public.audit_log as l
       where l.user_id = p_user_id and l.id < v_before
         and (p_account is null or l.admin_email = p_account)
         and (p_kind is null or private.is_reading(l.action) = (p_kind = 'read'))
       order by l.user_id desc, l.id desc limit v_limit + 1
    );
  elsif p_account is not null then
    v_ids := array(
      select l.id from public.audit_log as l
       where l.admin_email = p_account and l.id < v_before
         and (p_kind is null or private.is_reading(l.action) = (p_kind = 'read'))
       order by l.admin_email desc, l.id desc limit v_limit + 1
    );
  elsif p_kind is not null then
    v_ids := array(
      select l.id from public.audit_log as l
       where private.is_reading(l.action) = (p_kind = 'read') and l.id < v_before
       order by private.is_reading(l.action) desc, l.id desc limit v_limit + 1
    );
  else
    v_ids := array(
      select l.id from public.audit_log as l where l.id < v_before order by l.id desc limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'entries', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', l.id,
              'account', l.admin_email,
              'action', l.action,
              'is_reading', private.is_reading(l.action),
              'before', l.before,
              'after', l.after,
              'created_at', l.created_at,
              'actor', (
                select nullif(concat_ws(' ', a.first_name, a.last_name), '')
                  from public.users as a
                 where a.id = case when l.admin_email ~ '^user:[0-9]{1,18}$' then substr(l.admin_email, 6)::bigint end
              ),
              'user', case when u.id is not null then jsonb_build_object(
                'telegram_id', u.telegram_id, 'username', u.username, 'first_name', u.first_name
              ) end
            )
            order by l.id desc
          ),
          '[]'::jsonb
        )
        from public.audit_log as l
        left join public.users as u on u.id = l.user_id
       where l.id = any(v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end,
    'currency', private.setting('balance_currency')
  );
end
$$;

revoke all on function public.staff_audit from public, anon, authenticated, service_role;
grant execute on function public.staff_audit to bot_backend;
comment on function public.staff_audit is 'Returns the audit log for the page of admins, newest first';

-- Returns the role in which a user works for the owner. Banned users have none.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, 'owner' | 'admin' | 'operator' | 'author'; null: not staff.
-- Errors: none.
create or replace function private.staff_role(p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case when exists (select from public.admins as a where a.telegram_id = u.telegram_id) then 'owner' else s.role end
    from public.users as u
    left join public.staff as s on s.user_id = u.id
   where u.id = p_user_id and u.banned_at is null;
$$;

revoke all on function private.staff_role from public, anon, authenticated, service_role;
comment on function private.staff_role is 'The role in which a user works for the owner';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further. p_answer_tokens: the longest answer, for the cost of a conversation with a model of its own.
-- p_message: what the conversation of the messenger shows of the update (private.record_incoming_message); null where the bot
-- has no messenger. While a human answers, no AI request is reserved.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, with p_message the conversation, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     memory_enabled?: boolean | null,
--     ban?: { reason: text | null, notified: boolean } | null
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   conversation?: private.load_conversation | null    (work; null: the main one, without settings)
--   memory?: [ text ] | null                  (facts that the user lets the bot keep; only in the private chat)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   messenger?: {
--     conversation_id: bigint, handler: 'bot' | 'human' | 'paused', takeovers: int, is_returned: boolean
--   } | null               (null: the bot has no messenger; is_returned: the bot answers again since this message)
--   is_old_edit?: boolean  (the user asked another question after the edited one, or it belongs to another conversation)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0,
  p_answer_tokens integer default null,
  p_message jsonb default null
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_conversation jsonb;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_old_edit boolean := false;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
  v_messenger jsonb;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  -- In a mode that makes pictures, a text is no question to the AI.
  p_reserve := p_reserve and v_session.mode not like 'image:%';
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
    p_message := p_message || '{"body": "[hidden]"}';
  end if;
  if v_session.session_data ? 'conversation' then
    v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    -- The estimate of p_cost has at least 60,000 characters.
    p_cost := greatest(
      p_cost * (1 + coalesce((v_conversation ->> 'file_characters')::integer, 0) / 60000.0),
      (v_conversation ->> 'cost')::numeric
    );
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  if p_message is not null then
    p_reserve := p_reserve and not private.is_human_answering(v_user.id, p_bot);
  end if;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
    if v_session.session_data ? 'conversation' then
      v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    end if;
  end if;
  if v_session.session_data ? 'paste' and p_kind in ('message', 'callback_query')
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  if p_message is not null and not v_banned then
    v_messenger := case
      when v_claim.is_new then private.record_incoming_message(v_user.id, p_bot, p_message)
      else private.messenger_state(v_user.id, p_bot)
    end;
    if p_reserve and v_messenger ->> 'handler' <> 'bot' then  -- a human took over since p_reserve was decided
      p_reserve := false;
      if v_claim.is_new and v_expected is not null then
        update public.telegram_updates as t
           set reservation = null, reserved_on = null, reserved_from = null, reserved_cost = null
         where t.bot = p_bot and t.update_id = p_update_id;
        v_claim.reservation := null;
        v_user_api_key := null;
      end if;
    end if;
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content, m.conversation_id <> coalesce((v_conversation ->> 'messages_id')::bigint, 0)
      into v_edited_question, v_is_old_edit
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     limit 1;
    v_is_old_edit := coalesce(v_is_old_edit, false) or coalesce((
      select m.message_id > v_edited
        from public.messages as m
       where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
         and m.conversation_id = coalesce((v_conversation ->> 'messages_id')::bigint, 0) and m.role = 'user'
       order by m.id desc
       limit 1
    ), false);
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_session.created_at >= v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'memory_enabled', v_user.memory_enabled,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from private.admin_accounts() as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters, coalesce((v_conversation ->> 'messages_id')::bigint, 0),
        coalesce((v_conversation ->> 'summary_until')::bigint, 0)
      )
      else '[]'::json
    end,
    'conversation', v_conversation,
    'memory', case
      when v_user.memory_enabled and p_history > 0 and p_chat_id > 0 then private.load_memory(v_user.id, p_bot)
    end,
    'messenger', v_messenger,
    'edited_question', v_edited_question,
    'is_old_edit', v_is_old_edit
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

CREATE INDEX audit_log_account_idx ON public.audit_log USING btree (admin_email, id);

CREATE INDEX audit_log_reading_idx ON public.audit_log USING btree (private.is_reading(action), id);

comment on column public.audit_log.admin_email is 'Account that acted: an e-mail address, or user:<id> of staff without one (private.account_name)';
