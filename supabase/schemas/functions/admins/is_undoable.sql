-- Returns whether an audit entry is of a kind that can be undone, and changed something.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_undoable(p_entry public.audit_log)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_entry.action
    when 'add_bonus_credits' then p_entry.before -> 'bonus_credits' <> p_entry.after -> 'bonus_credits'
    when 'adjust_xp' then p_entry.before -> 'total_xp' <> p_entry.after -> 'total_xp'
    when 'award_badge' then p_entry.before -> 'has' <> p_entry.after -> 'has'
    when 'revoke_badge' then p_entry.before -> 'has' <> p_entry.after -> 'has'
    when 'give_trainings' then p_entry.before -> 'trainings' <> p_entry.after -> 'trainings'
    when 'adjust_balance' then p_entry.before -> 'balance' <> p_entry.after -> 'balance'
    when 'reset_user_usage' then p_entry.before -> 'requests' <> p_entry.after -> 'requests'
    when 'set_plan' then
      p_entry.after ->> 'subscription' is not null
      or jsonb_array_length(coalesce(p_entry.after -> 'replaced', '[]')) > 0
    else false
  end;
$$;

revoke all on function private.is_undoable from public, anon, authenticated, service_role;
comment on function private.is_undoable is 'Returns whether an admin''s action can be undone';
