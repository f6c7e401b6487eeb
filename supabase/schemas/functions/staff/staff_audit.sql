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
