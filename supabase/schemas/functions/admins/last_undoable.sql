-- Finds the last action of an admin on a user, if it can still be undone and is not older than 30 days.
--
-- Concurrency: read-only, over an index.
-- Locks: none.
-- Returns: jsonb
--   id: bigint             (null instead of all of it: nothing to undo)
--   action: text
--   before: jsonb
--   after: jsonb
-- Errors: none.
create or replace function private.last_undoable(p_user_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('id', l.id, 'action', l.action, 'before', l.before, 'after', l.after)
    from (
      select e.*
        from public.audit_log as e
       where e.user_id = p_user_id and e.action not in ('undo', 'refund_payment', 'refund_decided', 'ban_user', 'unban_user')
       order by e.user_id desc, e.id desc
       limit 1
    ) as l
   where private.is_undoable(l::public.audit_log)
     and l.created_at > private.clock() - interval '30 days'
     and not exists (
       select from public.audit_log as u where u.action = 'undo' and (u.after ->> 'undoes')::bigint = l.id
     );
$$;

revoke all on function private.last_undoable from public, anon, authenticated, service_role;
comment on function private.last_undoable is 'Finds the last action of an admin on a user, if it can be undone';
