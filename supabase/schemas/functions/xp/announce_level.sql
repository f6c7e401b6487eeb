-- Enqueues the message about a new level, if an award reached one. For SQL functions whose result no user sees at once;
-- where the result of an award is shown (a training, a quiz), the screen says it. p_award: of private.award_xp.
--
-- The message comes from p_bot if it may write to the user, else from the bot that the user used last. Users who are banned
-- or whom no bot may write to get none.
--
-- Concurrency: only the call that inserted the award has leveled_up; the caller calls once for it.
-- Locks: none.
-- Returns: jsonb, list of the messages to deliver now, or left to the sweep (outgoing).
-- Errors: none.
create or replace function private.announce_level(p_user_id bigint, p_bot text, p_award jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
begin
  if not coalesce((p_award ->> 'leveled_up')::boolean, false) then
    return '[]'::jsonb;
  end if;
  select private.reachable_bot(u.id, u.telegram_id, p_bot) into v_bot
    from public.users as u
   where u.id = p_user_id and u.banned_at is null and u.is_active;
  return private.enqueue_user_message(
    p_user_id, v_bot, 'level_up', jsonb_build_object('level', p_award -> 'new_level', 'xp', p_award -> 'total_xp')
  );
end
$$;

revoke all on function private.announce_level from public, anon, authenticated, service_role;
comment on function private.announce_level is 'Enqueues the message about a new level, if an award reached one';
