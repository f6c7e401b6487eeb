-- Undoes what an admin did to a user: bonus credits, trainings, balance, XP, a badge, a plan, or the reset of the limit. What the
-- user has spent since stays spent. Of a reset, this month and today are restored, earlier days of the month are not.
-- The user gets one message, but none about a badge.
--
-- Concurrency: the user's row is locked, and an entry is undone once (a unique index on the log); a repeated call
--   returns what was done.
-- Locks: user (NO KEY UPDATE), then the rows that the action changed.
-- Returns: jsonb
--   outcome: 'undone'      (now, or by a call with this reference)
--     | 'known'            (undone before)
--     | 'replaced'         (a later change took its place, or its time is over)
--     | 'impossible'       (no such entry, not of a kind that can be undone, or its user is erased)
--   telegram_id?: bigint
--   action?: text
--   before?: jsonb         (as the action has them)
--   after?: jsonb
--   is_partial?: boolean   (less was left than was given)
--   outgoing?: outgoing    (the message to the user, sent once)
-- Errors: N0001 not an admin; N0003 the reference was used with another action.
create or replace function public.admin_undo(p_audit_id bigint, p_admin_email text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_entry public.audit_log;
  v_known public.audit_log;
  v_result jsonb;
  v_before jsonb;
  v_after jsonb;
  v_is_done boolean := true;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select l.* into v_entry from public.audit_log as l where l.id = p_audit_id;
  if v_entry.user_id is null or not private.is_undoable(v_entry) then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  perform from public.users as u where u.id = v_entry.user_id for no key update;
  if not found then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  v_result := jsonb_build_object(
    'telegram_id', (select u.telegram_id from public.users as u where u.id = v_entry.user_id), 'action', v_entry.action
  );
  select l.* into v_known
    from public.audit_log as l
   where l.action = 'undo' and (l.after ->> 'undoes')::bigint = p_audit_id;
  if found then
    return v_result || jsonb_build_object(
      'outcome', case when v_known.reference = p_reference then 'undone' else 'known' end,
      'before', v_known.before, 'after', v_known.after - '{undoes,action}'::text[], 'is_partial', v_known.after ? 'is_partial', 'outgoing', v_outgoing
    );
  end if;

  if v_entry.action = 'set_plan' then
    v_before := private.plan_of(v_entry.user_id);
    v_is_done := private.undo_plan(v_entry);
    v_after := private.plan_of(v_entry.user_id);
    v_outgoing := case when v_is_done then private.notify_plan_change(v_entry.user_id, v_before, v_after) end;
  elsif v_entry.action = 'reset_user_usage' then
    v_is_done := private.undo_reset(v_entry);
    v_before := jsonb_build_object('requests', 0);
    v_after := jsonb_build_object('requests', v_entry.before -> 'requests');
    v_outgoing := case when v_is_done then private.notify_user(v_entry.user_id, 'gift_reset_undone', '{}') end;
  elsif v_entry.action in ('award_badge', 'revoke_badge') then
    v_is_done := private.undo_badge(v_entry);
    v_before := v_entry.after - 'reason';
    v_after := v_entry.before;
  else
    v_before := private.undo_amount(v_entry);
    v_after := jsonb_build_object('amount', v_before -> 'after') || case
      when (v_before ->> 'after')::numeric > (v_before ->> 'wanted')::numeric then '{"is_partial": true}'::jsonb
      else '{}'::jsonb
    end;
    v_outgoing := private.notify_adjustment(
      v_entry.user_id,
      case v_entry.action
        when 'add_bonus_credits' then 'credits' when 'give_trainings' then 'trainings' when 'adjust_xp' then 'xp' else 'balance'
      end,
      (v_before ->> 'before')::numeric,
      (v_before ->> 'after')::numeric
    );
    v_before := jsonb_build_object('amount', v_before -> 'before');
  end if;
  if not v_is_done then
    return v_result || jsonb_build_object('outcome', 'replaced');
  end if;
  perform private.write_audit(
    v_email, 'undo', v_entry.user_id, p_reference, v_before,
    v_after || jsonb_build_object('undoes', v_entry.id, 'action', v_entry.action)
  );
  return v_result || jsonb_build_object(
    'outcome', 'undone', 'before', v_before, 'after', v_after, 'is_partial', v_after ? 'is_partial', 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.admin_undo from public, anon, authenticated, service_role;
grant execute on function public.admin_undo to bot_backend, service_role;
comment on function public.admin_undo is 'Undoes what an admin did to a user';
