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
