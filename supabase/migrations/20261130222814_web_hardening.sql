-- Cohorts are changed in one call, and a new one changes none that exists; a refund takes of a gift only what is left of it; a file
-- of a course is in use also in lessons of another.

-- Replaced by admin_change_cohort, which saves the dates with the key.
-- unused since 20261121184811: no release had it
-- squawk-ignore ban-drop-function
drop function public.admin_rename_cohort(p_slug text, p_key text, p_new_key text, p_admin_email text);

-- The new text takes the same calls.
-- squawk-ignore ban-drop-function
drop function public.admin_save_cohort(p_slug text, p_key text, p_starts_at timestamp with time zone, p_admin_email text, p_enrolls_until timestamp with time zone);

alter table public.gifts add column ends_at timestamp with time zone;

-- Changes a cohort in an admin's name: its key and its dates at once. Its learners and offers stay; the dates act as by
-- public.admin_save_cohort.
--
-- Concurrency: the cohort is locked. The key is unique in the course, so of two cohorts that get one key at once the second is
--   refused. A cohort that got another key meanwhile is not created again.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none' }   (exists: another cohort of the course has this key; none: no such cohort)
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_change_cohort(
  p_slug text, p_key text, p_new_key text, p_starts_at timestamptz, p_admin_email text, p_enrolls_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_before public.cohorts;
  v_cohort public.cohorts;
begin
  select h.* into v_before
    from public.cohorts as h
    join public.courses as c on c.id = h.course_id
   where c.slug = p_slug and h.key = p_key
     for no key update of h;
  if v_before.id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  update public.cohorts as h
     set key = p_new_key, starts_at = p_starts_at, enrolls_until = p_enrolls_until
   where h.id = v_before.id
  returning h.* into v_cohort;
  if v_cohort is distinct from v_before then
    perform private.write_audit(
      v_email, 'save_cohort', null, null, to_jsonb(v_before), to_jsonb(v_cohort) || jsonb_build_object('course', p_slug)
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

revoke all on function public.admin_change_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_change_cohort to bot_backend;
comment on function public.admin_change_cohort is 'Changes a cohort in an admins name';

-- Deletes an uploaded file of a course in an admin's name, unless it is used. Its object enters the queue of deletions.
--
-- Concurrency: all courses are locked, as one is by private.write_lesson: a lesson that begins to use the file at the same moment is
--   saved before, and then the file stays, or after it.
-- Locks: courses by id, file.
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
  perform from public.courses as c order by c.id for no key update;
  select c.id into v_course_id from public.courses as c where c.slug = p_slug;
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

-- Registers a file of a course before it is uploaded to Supabase Storage, in an admin's name, and returns its key. p_name identifies
-- the file: a repeated call returns the same key. Uploads of the course that were not completed within a day are removed.
--
-- Concurrency: the course is locked, as by a deletion, so two first files get one folder.
-- Locks: course, files.
-- Returns: jsonb
--   {
--     key: text
--     status: 'uploading'
--       | 'stored'                    (it is there already, from an earlier call)
--       | 'deleted'                   (it was deleted, and its object is still to be: another name is needed)
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
  if exists (select from private.storage_deletions as d where d.key = v_key) then
    return jsonb_build_object('key', v_key, 'status', 'deleted');
  end if;
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

-- Creates or changes a cohort of a course in an admin's name. Its learners get their lessons by the new beginning from now on; what
-- they have opened stays open. p_is_new: only creates it.
--
-- Concurrency: the row is created or changed in one statement, so of two calls with p_is_new the second gets exists. The
--   ends of timed access follow at the next change of a grant.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none', id?: bigint }   (exists: with p_is_new, nothing is changed; none: no such course)
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_save_cohort(
  p_slug text, p_key text, p_starts_at timestamptz, p_admin_email text, p_enrolls_until timestamptz default null,
  p_is_new boolean default false
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
   where not p_is_new
  returning h.* into v_cohort;
  if v_cohort.id is null then
    return jsonb_build_object(
      'outcome', case when exists (select from public.courses as c where c.slug = p_slug) then 'exists' else 'none' end
    );
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

-- Returns where a file of a course is used: as the video or a file of a lesson, also of another course, or by its name in a text.
--
-- Concurrency: read-only; a caller that deletes the file holds all courses.
-- Locks: none.
-- Returns: text[], slugs of lessons, in other courses as course/lesson; an empty slug stands for the course's own texts.
-- Errors: none.
create or replace function private.course_file_uses(p_file public.course_files)
returns text[]
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(u.slug order by u.position, u.slug), '{}')
    from (
      select '' as slug, -1::bigint as position
        from public.courses as c
       where c.id = p_file.course_id
         and strpos(c.texts::text || c.next_step::text, split_part(p_file.key, '/', 3)) > 0
      union all
      select l.slug, l.position::bigint
        from public.lessons as l
       where l.course_id = p_file.course_id
         and strpos(
           concat(l.texts, l.homework, l.video, l.files), split_part(p_file.key, '/', 3)
         ) > 0
      union all
      select concat(c.slug, '/', l.slug), l.position::bigint
        from public.lessons as l
        join public.courses as c on c.id = l.course_id
       where l.course_id <> p_file.course_id
         and strpos(concat(l.video, l.files), p_file.key) > 0
    ) as u;
$$;

revoke all on function private.course_file_uses from public, anon, authenticated, service_role;
comment on function private.course_file_uses is 'Where a file of a course is used';

-- Takes a gift back after a refund or dispute (p_is_off), or restores it. A gift that was accepted takes the plan's time from
-- the recipient, at most what is left of the gift, and tells them: what they bought for themselves after it stays. A restoration
-- gives back what was taken.
--
-- Concurrency: the caller holds the payment; every call changes the gift at most once.
-- Locks: gift, recipient (NO KEY UPDATE, held by the caller), their subscriptions of the plan.
-- Returns: void
-- Errors: none.
create or replace function private.switch_gift(p_payment_id bigint, p_is_off boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_gift public.gifts;
  v_left numeric;
  v_ends_at timestamptz;
  v_seconds numeric := 0;
begin
  select g.* into v_gift from public.gifts as g where g.payment_id = p_payment_id for no key update;
  if not found or (v_gift.revoked_at is not null) = p_is_off then
    return;
  end if;
  v_ends_at := coalesce(v_gift.ends_at, v_gift.taken_at + make_interval(secs => v_gift.seconds::double precision));
  v_left := least(v_gift.seconds, extract(epoch from v_ends_at - v_now));
  if v_gift.taken_by is not null and p_is_off and v_left > 0 then
    v_seconds := floor(private.shorten_subscription(v_gift.taken_by, v_gift.plan, 'purchase', v_left));
  elsif v_gift.taken_by is not null and not p_is_off and v_gift.seconds_revoked > 0 then
    select s.ends_at into v_ends_at
      from private.extend_subscription(v_gift.taken_by, v_gift.plan, 'purchase', null, v_gift.seconds_revoked) as e
      join public.subscriptions as s on s.id = e.subscription_id;
  end if;
  update public.gifts as g
     set revoked_at = case when p_is_off then v_now end, seconds_revoked = v_seconds, ends_at = v_ends_at
   where g.payment_id = p_payment_id;
  if v_gift.taken_by is not null then
    perform private.enqueue_user_message(  -- delivered by the sweep
      v_gift.taken_by,
      private.reachable_bot(v_gift.taken_by, u.telegram_id, v_gift.bot),
      case when p_is_off then 'gift_revoked_notice' else 'gift_restored_notice' end,
      jsonb_build_object('title', private.product_titles(v_gift.product_key))
    )
      from public.users as u
     where u.id = v_gift.taken_by;
  end if;
end
$$;

revoke all on function private.switch_gift from public, anon, authenticated, service_role;
comment on function private.switch_gift is 'Takes a gift back, or restores it';

-- Accepts a gift: extends the recipient's plan as a purchase does, and tells the buyer. The buyer cannot accept it.
--
-- Concurrency: the payment is locked, as by refunds: of two recipients one gets the gift, and a refund comes before it or after.
-- Locks: payment, recipient (NO KEY UPDATE), gift, the recipient's subscriptions of the plan.
-- Returns: jsonb
--   outcome: 'taken' | 'known' | 'own' | 'used' | 'expired' | 'revoked' | 'unknown'   (known: by this user, earlier)
--   texts?: product_texts               (taken, known, own)
--   plan?: text                         (taken)
--   until?: timestamptz                 (taken)
--   outgoing?: outgoing                 (taken: to deliver now)
-- Errors: M0003 no such user.
create or replace function public.take_gift(p_user_id bigint, p_token text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_payment public.payments;
  v_gift public.gifts;
  v_card jsonb;
  v_outcome text;
  v_subscription_id bigint;
  v_seconds numeric;
  v_until timestamptz;
begin
  select p.* into v_payment
    from public.payments as p
   where p.id = (select g.payment_id from public.gifts as g where g.token = p_token)
     for no key update;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such user' using errcode = 'M0003';
  end if;
  select g.* into v_gift from public.gifts as g where g.payment_id = v_payment.id for no key update;
  if v_gift.payment_id is null then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_card := private.gift_card(v_gift);
  v_outcome := case
    when v_card ->> 'state' = 'revoked' then 'revoked'
    when v_gift.taken_by = p_user_id then 'known'
    when v_card ->> 'state' = 'taken' then 'used'
    when v_card ->> 'state' = 'expired' then 'expired'
    when v_gift.user_id = p_user_id then 'own'
    else 'taken'
  end;
  if v_outcome in ('known', 'own') then
    return jsonb_build_object('outcome', v_outcome, 'texts', v_card -> 'texts');
  elsif v_outcome <> 'taken' then
    return jsonb_build_object('outcome', v_outcome);
  end if;
  select e.subscription_id, e.seconds into v_subscription_id, v_seconds
    from private.extend_subscription(p_user_id, v_gift.plan, 'purchase', v_gift.period, null) as e;
  update public.subscriptions as s
     set monthly_amount = coalesce(s.monthly_amount, p.price),
         currency = case when s.monthly_amount is null and p.price is not null then v_payment.currency else s.currency end
    from private.monthly_price(v_payment, v_gift.period) as p (price)
   where s.id = v_subscription_id
  returning s.ends_at into v_until;
  update public.gifts as g
     set taken_by = p_user_id, taken_at = v_now, seconds = v_seconds, ends_at = v_until
   where g.payment_id = v_gift.payment_id;
  return jsonb_build_object(
    'outcome', 'taken',
    'texts', v_card -> 'texts',
    'plan', v_gift.plan,
    'until', v_until,
    'outgoing', private.enqueue_user_message(
      v_gift.user_id, v_gift.bot, 'gift_taken_notice',
      jsonb_build_object('title', private.product_titles(v_gift.product_key))
    )
  );
end
$$;

revoke all on function public.take_gift from public, anon, authenticated, service_role;
grant execute on function public.take_gift to bot_backend;
comment on function public.take_gift is 'Accepts a gift: extends the recipient''s plan';

-- Collects what is stored about a user's payments: orders, payments, refunds, what was fulfilled, renewals and events
-- of providers. Data about another person who paid for the user are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.payments_section(p_user public.users)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user.id
       and coalesce(p.claims ->> 'telegram_id', p_user.telegram_id::text) = p_user.telegram_id::text
    union
    select p.* from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
  )
  select jsonb_build_object(
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'user_id' order by o.id), '[]')
        from public.orders as o
       where o.user_id = p_user.id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['user_id', 'claims'] order by p.id), '[]') from own as p
    ),
    'operations', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.payment_id, o.created_at, o.kind, o.operation_id), '[]')
        from public.payment_operations as o
       where o.payment_id = any(array(select p.id from own as p))
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'admin_email' order by r.id), '[]')
        from public.refunds as r
       where r.payment_id = any(array(select p.id from own as p))
    ),
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.payment_id, e.effect), '[]')
        from public.payment_effects as e
       where e.user_id = p_user.id
    ),
    'gifts', (
      select coalesce(
          jsonb_agg(to_jsonb(g) - array['user_id', 'token', 'taken_by', 'ends_at', 'seconds', 'seconds_revoked'] order by g.payment_id),
          '[]'::jsonb
        )
        from public.gifts as g
       where g.user_id = p_user.id
    ),
    'gifts_received', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'product_key', g.product_key, 'taken_at', g.taken_at, 'seconds', g.seconds,
              'seconds_revoked', g.seconds_revoked, 'revoked_at', g.revoked_at
            )
            order by g.taken_at, g.payment_id
          ),
          '[]'::jsonb
        )
        from public.gifts as g
       where g.taken_by = p_user.id
    ),
    'renewals', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'user_id' order by r.id), '[]')
        from public.renewals as r
       where r.user_id = p_user.id
    ),
    'events', (
      select coalesce(jsonb_agg(to_jsonb(e) - array['id', 'user_id'] order by e.received_at, e.id), '[]')
        from public.payment_events as e
       where e.user_id = p_user.id
    )
  );
$$;

revoke all on function private.payments_section from public, anon, authenticated, service_role;
comment on function private.payments_section is 'Collects what is stored about a user''s payments';

comment on column public.gifts.ends_at is 'When the time that was added ends; a refund takes nothing after it';
