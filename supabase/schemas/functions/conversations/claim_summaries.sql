-- Claims conversations whose history no longer fits and has to be summarized (setting summarize_history): the messages of the
-- last hour tell which ones are in use. Users who pay with a key of their own, and those at their daily cost limit, are left out.
--
-- Summaries of conversations that were not used for retention_messages_days are deleted.
--
-- p_history, p_characters: limits of the history that an answer sees (MAX_HISTORY_LENGTH, MAX_HISTORY_CHARACTERS). The older part is
-- summarized, so that half of each limit remains.
--
-- Concurrency: a claimed conversation is left alone for half an hour, by other runs and after a failure.
-- Locks: user (KEY SHARE), conversation (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   [ {
--     id: bigint
--     claim: uuid
--     bot: text
--     summary: text | null                  (of what came before)
--     until: bigint                         (the last message to summarize)
--     messages: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; of each the first 4,000 characters)
--     proposals: int                        (facts that may be proposed to keep; 0 in groups and without memory)
--     known: [text]                         (what must not be proposed)
--   } ]
-- Errors: none.
create or replace function public.claim_summaries(p_history integer, p_characters integer, p_limit integer default 20)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_used record;
  v_conversation public.ai_conversations;
  v_old record;
  v_proposals integer;
  v_claims jsonb := '[]'::jsonb;
begin
  with old as (
    select o.id
      from public.ai_conversations as o
     where o.summary is not null
       and o.last_used_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
     order by o.last_used_at
     limit 100
       for update skip locked
  )
  update public.ai_conversations as c
     set summary = null, summary_until = null
    from old
   where c.id = old.id;
  if not private.setting('summarize_history')::boolean then
    return v_claims;
  end if;
  for v_used in
    select m.user_id, m.bot, m.chat_id, m.thread_id, m.conversation_id
      from (
        select r.* from public.messages as r
         where r.created_at > v_now - interval '1 hour'
         order by r.created_at desc
         limit 20000
      ) as m
     group by m.user_id, m.bot, m.chat_id, m.thread_id, m.conversation_id
  loop
    exit when jsonb_array_length(v_claims) >= p_limit;
    v_conversation := null;
    select c.* into v_conversation
      from public.ai_conversations as c
     where c.user_id = v_used.user_id and c.bot = v_used.bot and c.chat_id = v_used.chat_id
       and c.thread_id = v_used.thread_id
       and case when v_used.conversation_id = 0 then c.is_main else c.id = v_used.conversation_id end;
    v_old := private.messages_to_summarize(
      v_used.user_id, v_used.bot, v_used.chat_id, v_used.thread_id, v_used.conversation_id,
      coalesce(v_conversation.summary_until, 0), p_history, p_characters
    );
    continue when v_old.until is null
      or exists (select from public.user_tokens as t where t.user_id = v_used.user_id and t.is_active)
      or private.user_cost(v_used.user_id, (v_now at time zone private.setting('quota_timezone'))::date)
        >= coalesce(nullif(private.setting('daily_cost_user')::numeric, 0), 1000000);
    perform from public.users as u where u.id = v_used.user_id for key share skip locked;
    continue when not found;
    if v_used.conversation_id = 0 then
      insert into public.ai_conversations (user_id, bot, chat_id, thread_id, is_main)
      values (v_used.user_id, v_used.bot, v_used.chat_id, v_used.thread_id, true)
      on conflict (user_id, bot, chat_id, thread_id) where is_main do nothing;
    end if;
    select c.* into v_conversation
      from public.ai_conversations as c
     where c.user_id = v_used.user_id and c.bot = v_used.bot and c.chat_id = v_used.chat_id
       and c.thread_id = v_used.thread_id
       and case when v_used.conversation_id = 0 then c.is_main else c.id = v_used.conversation_id end
       and coalesce(c.summary_claimed_at < v_now - interval '30 minutes', true)
       for update skip locked;
    continue when not found;
    update public.ai_conversations as c
       set summary_claim = gen_random_uuid(), summary_claimed_at = v_now
     where c.id = v_conversation.id
    returning c.* into v_conversation;
    v_proposals := case
      when exists (select from public.users as u where u.id = v_used.user_id and u.telegram_id = v_used.chat_id)
        then private.proposals_left(v_used.user_id, v_used.bot)
      else 0
    end;
    v_claims := v_claims || jsonb_build_object(
      'id', v_conversation.id, 'claim', v_conversation.summary_claim, 'bot', v_conversation.bot,
      'summary', v_conversation.summary, 'until', v_old.until, 'messages', v_old.messages,
      'proposals', v_proposals,
      'known', (
        select coalesce(jsonb_agg(k.content), '[]'::jsonb)
          from private.known_facts(v_used.user_id, v_used.bot) as k (content)
         where v_proposals > 0
      )
    );
  end loop;
  return v_claims;
end
$$;

revoke all on function public.claim_summaries from public, anon, authenticated, service_role;
grant execute on function public.claim_summaries to bot_backend;
comment on function public.claim_summaries is 'Claims conversations whose history has to be summarized';
