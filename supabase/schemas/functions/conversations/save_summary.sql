-- Stores the summary of the older part of a conversation, and what the calls to the AI cost. Without a summary (a failure) only the
-- cost is stored. With a summary, the user is asked about facts that the AI proposes to keep (private.propose_facts).
--
-- p_claim: from public.claim_summaries. p_until: the last message that the summary covers. p_usage: see private.record_usage. p_facts: a list of texts, for
-- the private chat of the user only.
--
-- Concurrency: a claim that another run has taken over stores only its cost. A summary of messages that were deleted meanwhile
--   (/clear) is not stored.
-- Locks: user (KEY SHARE; with facts NO KEY UPDATE), conversation, session, then as private.record_usage.
-- Returns: jsonb
--   saved: boolean
--   outgoing: outgoing
-- Errors: none.
create or replace function public.save_summary(
  p_id bigint, p_claim uuid, p_summary text, p_until bigint, p_usage jsonb default '[]',
  p_facts jsonb default '[]'
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
  v_outgoing jsonb := '[]'::jsonb;
begin
  select c.user_id into v_call.user_id from public.ai_conversations as c where c.id = p_id;
  if jsonb_array_length(p_facts) > 0 then
    perform from public.users as u where u.id = v_call.user_id for no key update;
  else
    perform from public.users as u where u.id = v_call.user_id for key share;
  end if;
  select c.* into v_conversation from public.ai_conversations as c where c.id = p_id for update;
  if not found then
    return jsonb_build_object('saved', false, 'outgoing', v_outgoing);
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
  if v_saved and exists (
    select from public.users as u where u.id = v_conversation.user_id and u.telegram_id = v_conversation.chat_id
  ) then
    v_outgoing := private.propose_facts(v_conversation.user_id, v_conversation.bot, p_facts);
  end if;
  v_call.bot := v_conversation.bot;
  v_call.update_id := p_id;
  perform private.record_usage(v_call, p_usage, false);
  return jsonb_build_object('saved', v_saved, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.save_summary from public, anon, authenticated, service_role;
grant execute on function public.save_summary to bot_backend;
comment on function public.save_summary is 'Stores the summary of the older part of a conversation';
