-- Notes that a member of the staff has a conversation open, for 15 seconds, and whether they are typing, for 6. A page calls it
-- every few seconds.
--
-- Concurrency: one row per member and conversation; the last call counts.
-- Locks: none but that row.
-- Returns: jsonb
--   viewers: private.conversation_viewers
--   action: { bot: text, chat_id: bigint, connection: text } | null     (show the user "typing…" now: at most every 5 seconds)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.view_conversation(p_actor_id bigint, p_conversation_id bigint, p_is_typing boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_typing_until timestamptz;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select coalesce(max(p.typing_until), '-infinity') into v_typing_until
    from public.conversation_presence as p
   where p.conversation_id = p_conversation_id;
  insert into public.conversation_presence as p (conversation_id, operator_id, seen_until, typing_until)
  select c.id, p_actor_id, v_now + interval '15 seconds', case when p_is_typing then v_now + interval '6 seconds' end
    from public.conversations as c
   where c.id = p_conversation_id
  on conflict (conversation_id, operator_id) do update
    set seen_until = excluded.seen_until, typing_until = excluded.typing_until;
  return jsonb_build_object(
    'viewers', private.conversation_viewers(p_conversation_id, p_actor_id),
    'action', (
      select jsonb_build_object('bot', c.bot, 'chat_id', u.telegram_id, 'connection', c.connection)
        from public.conversations as c
        join public.users as u on u.id = c.user_id
       where c.id = p_conversation_id and p_is_typing and c.unreachable is null and v_typing_until < v_now + interval '1 second'
    )
  );
end
$$;

revoke all on function public.view_conversation from public, anon, authenticated, service_role;
grant execute on function public.view_conversation to bot_backend;
comment on function public.view_conversation is 'Notes that a member of the staff has a conversation open';
