-- Returns the audit log of admin actions, newest first, page by page; with p_user_id that of one user.
--
-- Concurrency: read-only, over an index. A page starts below p_before, so new entries do not shift it.
-- Locks: none.
-- Returns: jsonb
--   entries: [ {
--     id: bigint, admin_email: text, action: text, before: jsonb, after: jsonb, created_at: timestamptz,
--     user: { telegram_id: bigint, username: text | null, first_name: text } | null   (null: erased, or none)
--   } ]
--   next: bigint | null    (p_before of the next page)
--   timezone: text
-- Errors: N0001 not an admin.
create or replace function public.admin_audit(
  p_admin_email text, p_user_id bigint default null, p_before bigint default null, p_limit integer default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_ids bigint[];
  v_entries jsonb;
begin
  perform private.require_admin(p_admin_email);
  -- Two queries, so that each uses its own index.
  if p_user_id is null then
    v_ids := array(
      select l.id from public.audit_log as l where p_before is null or l.id < p_before
       order by l.id desc limit v_limit + 1
    );
  else
    v_ids := array(
      select l.id from public.audit_log as l
       where l.user_id = p_user_id and (p_before is null or l.id < p_before)
       order by l.user_id desc, l.id desc limit v_limit + 1
    );
  end if;
  select jsonb_agg(
      jsonb_build_object(
        'id', l.id,
        'admin_email', l.admin_email,
        'action', l.action,
        'before', l.before,
        'after', l.after,
        'created_at', l.created_at,
        'user', case when u.id is not null then jsonb_build_object(
          'telegram_id', u.telegram_id, 'username', u.username, 'first_name', u.first_name
        ) end
      )
      order by l.id desc
    ) into v_entries
    from public.audit_log as l
    left join public.users as u on u.id = l.user_id
   where l.id = any (v_ids[:v_limit]);
  return jsonb_build_object(
    'entries', coalesce(v_entries, '[]'::jsonb),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end,
    'timezone', private.setting('quota_timezone')
  );
end
$$;

revoke all on function public.admin_audit from public, anon, authenticated, service_role;
grant execute on function public.admin_audit to bot_backend, service_role;
comment on function public.admin_audit is 'Returns the audit log of admin actions, newest first';
