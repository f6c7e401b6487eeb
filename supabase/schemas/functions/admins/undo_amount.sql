-- Reverses a change of bonus credits, trainings or balance by an admin: takes back what was added, as much as is
-- left, or returns what was taken.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the rows that the action changed.
-- Returns: jsonb, {before, after, wanted}: the amount before, now, and what a complete reversal would give.
-- Errors: none.
create or replace function private.undo_amount(p_entry public.audit_log)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field constant text := case p_entry.action
    when 'add_bonus_credits' then 'bonus_credits' when 'give_trainings' then 'trainings' when 'adjust_xp' then 'total_xp' else 'balance'
  end;
  v_change constant numeric := (p_entry.before ->> v_field)::numeric - (p_entry.after ->> v_field)::numeric;
  v_user public.users;
  v_before numeric;
  v_after numeric;
begin
  select u.* into v_user from public.users as u where u.id = p_entry.user_id;
  v_before := case v_field
    when 'bonus_credits' then v_user.bonus_credits
    when 'balance' then v_user.balance
    when 'total_xp' then v_user.total_xp
    else (select coalesce(sum(f.quantity - f.used), 0) from public.free_trainings as f where f.user_id = v_user.id)
  end;
  v_after := greatest(v_before + v_change, 0);
  if v_after = v_before then
    null;
  elsif v_field = 'bonus_credits' then
    update public.users as u set bonus_credits = v_after where u.id = v_user.id;
  elsif v_field = 'balance' then
    perform public.adjust_balance(v_user.telegram_id, v_after - v_before, 'admin', 'admins:undo:' || p_entry.id);
  elsif v_field = 'total_xp' then
    perform private.award_xp(
      v_user.id, '', 'correction', 'admins:undo:' || p_entry.id, (v_after - v_before)::integer
    );
  elsif v_after > v_before then
    perform private.give_trainings(v_user.id, 'admin', 'undo:' || p_entry.id, (v_after - v_before)::integer);
  else
    perform private.use_trainings(v_user.id, (v_before - v_after)::integer);
  end if;
  return jsonb_build_object('before', v_before, 'after', v_after, 'wanted', v_before + v_change);
end
$$;

revoke all on function private.undo_amount from public, anon, authenticated, service_role;
comment on function private.undo_amount is 'Reverses a change of an amount by an admin';
