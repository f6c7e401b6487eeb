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
