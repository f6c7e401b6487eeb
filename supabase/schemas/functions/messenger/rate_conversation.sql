-- Records the user's answer to the question after closing (close_conversation); the first answer counts.
--
-- Concurrency: the conversation is locked; a second tap changes nothing.
-- Locks: user (KEY SHARE), conversation, the day's counter.
-- Returns: jsonb
--   outcome: 'rated' | 'late'    (late: answered before, more than a week old, or not this user's)
-- Errors: none.
create or replace function public.rate_conversation(p_user_id bigint, p_conversation_id bigint, p_rating integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  select c.* into v_conversation
    from public.conversations as c
   where c.id = p_conversation_id and c.user_id = p_user_id
     for update;
  if not found or p_rating not between 1 and 5
    or coalesce(v_conversation.rated_at >= v_conversation.rating_asked_at, false)
    or coalesce(v_conversation.rating_asked_at < private.clock() - interval '7 days', true)
  then
    return '{"outcome": "late"}'::jsonb;
  end if;
  update public.conversations as c set rating = p_rating, rated_at = private.clock() where c.id = p_conversation_id;
  perform private.add_conversation_event(p_conversation_id, null, 'rated', jsonb_build_object('rating', p_rating));
  perform private.count_in_messenger(v_conversation.bot, v_conversation.assignee_id, p_rating => p_rating);
  return '{"outcome": "rated"}'::jsonb;
end
$$;

revoke all on function public.rate_conversation from public, anon, authenticated, service_role;
grant execute on function public.rate_conversation to bot_backend;
comment on function public.rate_conversation is 'Records the user''s answer to the question after closing';
