-- Enqueues a message about each badge that a user has just received. For SQL functions whose result no user sees at once; where
-- the result is shown (a training, a quiz), the screen says it. p_badges: of private.award_due_badges.
--
-- The messages come from p_bot if it may write to the user, else from the bot that the user used last. Users who are banned
-- or whom no bot may write to get none.
--
-- Concurrency: only the call that awarded a badge returns it; the caller calls once for it.
-- Locks: none.
-- Returns: jsonb, list of the messages to deliver now, or left to the sweep (outgoing).
-- Errors: none.
create or replace function private.announce_badges(p_user_id bigint, p_bot text, p_badges jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
  v_badge text;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select private.reachable_bot(u.id, u.telegram_id, p_bot) into v_bot
    from public.users as u
   where u.id = p_user_id and u.banned_at is null and u.is_active;
  for v_badge in select b.badge from jsonb_array_elements_text(p_badges) as b (badge) loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      p_user_id, v_bot, 'badge_new', jsonb_build_object('name', jsonb_build_object('badge', v_badge))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.announce_badges from public, anon, authenticated, service_role;
comment on function private.announce_badges is 'Enqueues a message about each badge that a user has just received';
