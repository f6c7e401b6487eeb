-- Writes the query of the users that a broadcast reaches: user_id and bot of those with ids after $1 up to $2, through bot $3
-- (null: the one used last), of kind $4. They have a private chat that is not blocked, are not banned, take marketing messages
-- if it is one, and belong to the segment.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: Q0001 the segment is invalid.
create or replace function private.audience_query(p_segment jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return format(
    'select u.id as user_id, s.bot
       from public.users as u
       left join public.message_consents as c on c.user_id = u.id
      cross join lateral (
        select b.bot
          from public.bot_sessions as b
         where b.user_id = u.id and b.chat_id = u.telegram_id and not b.is_blocked and ($3::text is null or b.bot = $3)
         order by b.updated_at desc
         limit 1
      ) as s
      where u.id > $1 and u.id <= $2 and u.is_active and u.banned_at is null
        and ($4 = ''service'' or c.unsubscribed_at is null)
        and %s',
    private.segment_condition(p_segment)
  );
end
$$;

revoke all on function private.audience_query from public, anon, authenticated, service_role;
comment on function private.audience_query is 'Writes the query of the users that a broadcast reaches';
