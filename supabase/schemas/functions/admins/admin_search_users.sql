-- Finds users for an admin by a part of their name or @username, at least two characters long. Order: the exact
-- username, the whole name or username, the start of a word, a part of a word; within each, the most recently active
-- first. Two characters are searched at the start of words only.
--
-- Concurrency: read-only, over an index. Of more than 500 matches, 500 are ranked.
-- Locks: none.
-- Returns: jsonb
--   {
--     users: [ {
--       telegram_id: bigint, username: text | null, first_name: text, last_name: text | null, last_activity: timestamptz
--     } ],
--     has_more: boolean
--   } | null               (the query is too short)
-- Errors: N0001 not an admin.
create or replace function public.admin_search_users(p_query text, p_admin_email text, p_limit integer default 8)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_query constant text := ltrim(private.name_words(left(p_query, 100), null, null));
  v_limit constant integer := least(greatest(p_limit, 1), 50);
  v_ids bigint[];
  v_result jsonb;
begin
  perform private.require_admin(p_admin_email);
  if length(v_query) < 2 then
    return null;
  end if;
  v_ids := array(
    select u.id from public.users as u where lower(u.username) = lower(ltrim(trim(left(p_query, 100)), '@')) limit 50
  ) || array(
    select u.id
      from public.users as u
     where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(' ' || v_query)
       and strpos(private.name_words(u.username, u.first_name, u.last_name), ' ' || v_query) > 0
     limit 500
  );
  if cardinality(v_ids) <= v_limit and length(v_query) > 2 then
    v_ids := v_ids || array(
      select u.id
        from public.users as u
       where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(v_query)
         and strpos(private.name_words(u.username, u.first_name, u.last_name), v_query) > 0
       limit 500
    );
  end if;
  with ranked as (
    select u.*,
      row_number() over (
        order by
          lower(u.username) is distinct from lower(ltrim(trim(p_query), '@')),
          private.name_words(null, u.first_name, u.last_name) <> ' ' || v_query,
          strpos(private.name_words(u.username, u.first_name, u.last_name), ' ' || v_query) = 0,
          u.last_activity desc,
          u.id
      ) as place
      from public.users as u
     where u.id = any(v_ids)
  )
  select jsonb_build_object(
      'users', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'telegram_id', r.telegram_id, 'username', r.username, 'first_name', r.first_name, 'last_name', r.last_name,
            'last_activity', r.last_activity
          )
          order by r.place
        ) filter (where r.place <= v_limit),
        '[]'
      ),
      'has_more', count(*) > v_limit
    )
    into v_result
    from ranked as r;
  return v_result;
end
$$;

revoke all on function public.admin_search_users from public, anon, authenticated, service_role;
grant execute on function public.admin_search_users to bot_backend, service_role;
comment on function public.admin_search_users is 'Finds users for an admin by a part of their name';
