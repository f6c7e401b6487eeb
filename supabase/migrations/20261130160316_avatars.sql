-- Avatars.

-- Profile photos of users, for the pages: Telegram's smallest size (160 pixels, 5 to 10 KB), as the job `avatars` fetched it.
-- A row exists for whom a page has shown within 30 days. Photos are in the database because the function `console`, which
-- shows them, has no key of Storage.

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

-- Leases profile photos that are due for ten minutes, the oldest first, at most p_limit.
--
-- Concurrency: each row is locked, skipped by other jobs, and due ten minutes later.
-- Locks: avatars (FOR UPDATE SKIP LOCKED), by due_at.
-- Returns: jsonb
--   [{
--     user_id: bigint
--     telegram_id: bigint
--     bot: text
--     photo_id: text | null        (of the photo that is stored)
--   }]
-- Errors: none.
create or replace function public.claim_avatars(p_limit integer)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select a.user_id
      from public.user_avatars as a
     where a.due_at <= (select private.clock())
     order by a.due_at
     limit p_limit
       for update skip locked
  ), claimed as (
    update public.user_avatars as a
       set due_at = private.clock() + interval '10 minutes'
      from due
     where a.user_id = due.user_id
    returning a.user_id, a.bot, a.photo_id
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'user_id', c.user_id, 'telegram_id', u.telegram_id, 'bot', c.bot, 'photo_id', c.photo_id
         ) order by c.user_id), '[]'::jsonb)
    from claimed as c
    join public.users as u on u.id = c.user_id;
$$;

revoke all on function public.claim_avatars from public, anon, authenticated, service_role;
grant execute on function public.claim_avatars to bot_backend;
comment on function public.claim_avatars is 'Leases profile photos that are due';

-- Deletes up to p_limit profile photos of users whom no page has shown for 30 days.
--
-- Concurrency: rows that another call has locked are skipped.
-- Locks: avatars (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many.
-- Errors: none.
create or replace function public.expire_avatars(p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  with old as (
    select a.user_id
      from public.user_avatars as a
     where a.wanted_at < (select private.clock()) - interval '30 days'
     limit p_limit
       for update skip locked
  )
  delete from public.user_avatars as a using old where a.user_id = old.user_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function public.expire_avatars from public, anon, authenticated, service_role;
grant execute on function public.expire_avatars to bot_backend;
comment on function public.expire_avatars is 'Deletes profile photos that no page shows any more';

-- Stores what Telegram has of a user's profile photo. Without p_image the stored photo stays if it is p_photo_id, and is
-- removed otherwise.
--
-- Concurrency: a repeated call with the same photo changes nothing but the times; of two calls the later one counts.
-- Locks: avatar.
-- Returns: jsonb
--   {
--     stored: boolean         (false: the user or the row is gone)
--   }
-- Errors: none.
create or replace function public.finish_avatar(
  p_user_id bigint, p_photo_id text default null, p_mime_type text default null, p_image text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keeps boolean;
begin
  select a.photo_id = p_photo_id and a.image is not null into v_keeps
    from public.user_avatars as a
   where a.user_id = p_user_id
     for update;
  if not found then
    return jsonb_build_object('stored', false);
  end if;
  if v_keeps is not true then
    update public.user_avatars as a
       set key = gen_random_uuid(),
           photo_id = p_photo_id,
           mime_type = case when p_image is not null then p_mime_type end,
           image = decode(p_image, 'base64')
     where a.user_id = p_user_id;
  end if;
  update public.user_avatars as a
     set checked_at = private.clock(), due_at = null
   where a.user_id = p_user_id;
  return jsonb_build_object('stored', true);
end
$$;

revoke all on function public.finish_avatar from public, anon, authenticated, service_role;
grant execute on function public.finish_avatar to bot_backend;
comment on function public.finish_avatar is 'Stores what Telegram has of a user''s profile photo';

-- Returns a profile photo by its key, to the user whose photo it is and to admins.
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
   where a.key = p_key and a.image is not null and (a.user_id = v.id or v.is_admin);
$$;

revoke all on function public.get_avatar from public, anon, authenticated, service_role;
grant execute on function public.get_avatar to bot_backend;
comment on function public.get_avatar is 'Returns a profile photo to those who may see it';

-- Returns the keys of users' profile photos for a page that shows these users, and lets the job fetch photos that are missing
-- or were checked more than a day ago. p_bot is a bot that they have written to, where the caller knows one.
--
-- Concurrency: the users are locked, so an erasure at the same time leaves no row. Calls at once write the same.
-- Locks: users (KEY SHARE) and avatars, both by user id.
-- Returns: jsonb
--   { [text]: text }        (the key by the user's id, of those who have a photo)
-- Errors: none.
create or replace function public.want_avatars(p_user_ids jsonb, p_bot text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_ids bigint[] := array(select e.id::bigint from jsonb_array_elements_text(p_user_ids) as e (id));
begin
  with shown as (
    select u.id from public.users as u where u.id = any(v_ids) order by u.id for key share
  ), wanted as (
    select s.id, coalesce(p_bot, (
             select b.bot
               from public.bot_sessions as b
              where b.user_id = s.id
              order by b.updated_at desc
              limit 1
           )) as bot
      from shown as s
     where not exists (
       select from public.user_avatars as a
        where a.user_id = s.id
          and a.wanted_at > v_now - interval '1 day'
          and (a.due_at is not null or a.checked_at > v_now - interval '1 day')
     )
  )
  insert into public.user_avatars as a (user_id, bot, wanted_at, due_at)
  select w.id, w.bot, v_now, v_now from wanted as w where w.bot is not null order by w.id
  on conflict (user_id) do update
    set wanted_at = excluded.wanted_at,
        due_at = case
          when a.checked_at > excluded.wanted_at - interval '1 day' then a.due_at
          else coalesce(a.due_at, excluded.due_at)
        end;
  return (
    select coalesce(jsonb_object_agg(a.user_id, a.key), '{}'::jsonb)
      from public.user_avatars as a
     where a.user_id = any(v_ids) and a.image is not null
  );
end
$$;

revoke all on function public.want_avatars from public, anon, authenticated, service_role;
grant execute on function public.want_avatars to bot_backend;
comment on function public.want_avatars is 'Returns the keys of users'' profile photos and lets missing ones be fetched';

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
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
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
