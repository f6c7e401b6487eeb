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
