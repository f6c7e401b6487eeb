-- Stores the summary of the older part of a conversation, and what the calls to the AI cost. Without a summary (a failure) only the
-- cost is stored.
--
-- p_claim: from public.claim_summaries. p_until: the last message that the summary covers. p_usage: see private.record_usage.
--
-- Concurrency: a claim that another run has taken over stores only its cost. A summary of messages that were deleted meanwhile
--   (/clear) is not stored.
-- Locks: user (KEY SHARE), conversation, session, then as private.record_usage.
-- Returns: jsonb
--   saved: boolean
-- Errors: none.
create or replace function public.save_summary(
  p_id bigint, p_claim uuid, p_summary text, p_until bigint, p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.ai_conversations;
  v_call public.telegram_updates;
  v_saved boolean;
begin
  select c.user_id into v_call.user_id from public.ai_conversations as c where c.id = p_id;
  perform from public.users as u where u.id = v_call.user_id for key share;
  select c.* into v_conversation from public.ai_conversations as c where c.id = p_id for update;
  if not found then
    return jsonb_build_object('saved', false);
  end if;
  v_saved := p_summary is not null and v_conversation.summary_claim is not distinct from p_claim
    and exists (select from public.messages as m where m.id = p_until and m.user_id = v_conversation.user_id);
  if v_saved then
    update public.ai_conversations as c
       set summary = left(p_summary, 8000), summary_until = p_until, summary_claim = null, summary_claimed_at = null
     where c.id = p_id;
    if v_conversation.is_main then
      update public.bot_sessions as s
         set session_data = s.session_data || jsonb_build_object('conversation', p_id)
       where s.user_id = v_conversation.user_id and s.bot = v_conversation.bot and s.chat_id = v_conversation.chat_id
         and s.thread_id = v_conversation.thread_id and not s.session_data ? 'conversation';
    end if;
  end if;
  v_call.bot := v_conversation.bot;
  v_call.update_id := p_id;
  perform private.record_usage(v_call, p_usage, false);
  return jsonb_build_object('saved', v_saved);
end
$$;

revoke all on function public.save_summary from public, anon, authenticated, service_role;
grant execute on function public.save_summary to bot_backend;
comment on function public.save_summary is 'Stores the summary of the older part of a conversation';
