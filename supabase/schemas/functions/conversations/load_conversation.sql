-- Loads the current conversation of a session, for private.receive_update: which messages are its history, and its settings.
--
-- p_characters: the most of the history that is sent; p_answer_tokens: the longest answer. With them, the cost of a question to
-- a chosen model is estimated; characters count as tokens, 80,000 more for the question and a document or pictures.
--
-- p_with_files: load the files too, for a question.
--
-- Concurrency: read-only. A conversation that was deleted meanwhile is not found, and the main one is used.
-- Locks: none.
-- Returns: jsonb
--   {
--     id: bigint
--     messages_id: bigint                     (messages.conversation_id of its history: 0 of the main conversation)
--     is_main: boolean
--     name: text | null
--     model: text | null                      (the chosen one, a key of ai_modes)
--     model_feature: text | null              (word of subscription_limits.features that it needs)
--     models: [ { provider: text, model: text, plan_feature: text | null } ]   (to try; empty: it cannot be used today)
--     instructions: text | null
--     summary: text | null                    (of the messages up to summary_until, which the history leaves out)
--     summary_until: bigint | null
--     files: [ { name: text, content: text } ]
--     file_characters: int
--     cost: numeric | null                    (most that a question costs, US dollars; null: that of the standard model)
--   } | null                                  (the main conversation, without settings)
-- Errors: none.
create or replace function private.load_conversation(
  p_session public.bot_sessions, p_characters integer default null, p_answer_tokens integer default null,
  p_with_files boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.ai_conversations;
  v_today date;
  v_feature text;
  v_models jsonb := '[]'::jsonb;
  v_cost numeric;
  v_files jsonb := '[]'::jsonb;
  v_more integer;
begin
  if p_session.session_data ->> 'conversation' ~ '^[0-9]{1,18}$' then
    select c.* into v_conversation
      from public.ai_conversations as c
     where c.id = (p_session.session_data ->> 'conversation')::bigint
       and c.user_id = p_session.user_id and c.bot = p_session.bot
       and c.chat_id = p_session.chat_id and c.thread_id = p_session.thread_id;
  end if;
  if v_conversation.id is null then
    return null;
  end if;
  if p_with_files then
    select coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'content', f.content) order by f.id), '[]'::jsonb),
      coalesce(sum(length(f.content)), 0)
      into v_files, v_more
      from public.ai_conversation_files as f
     where f.conversation_id = v_conversation.id;
  end if;
  if v_conversation.model is not null then
    v_today := (private.clock() at time zone 'UTC')::date;
    select m.plan_feature,
      coalesce(
        jsonb_agg(
          jsonb_build_object('provider', a.provider, 'model', a.model, 'plan_feature', a.plan_feature)
          order by (a.provider, a.model) <> (m.provider, m.model)
        ) filter (where a.model is not null), '[]'
      ),
      max(private.call_cost(
        a.provider, a.model,
        jsonb_build_object('input_tokens', p_characters + 80000 + coalesce(v_more, 0), 'output_tokens', p_answer_tokens),
        '{}', private.clock()
      ))
      into v_feature, v_models, v_cost
      from public.ai_modes as m
      left join public.ai_models as a
        on (a.provider, a.model) in ((m.provider, m.model), (m.fallback_provider, m.fallback_model))
       and a.enabled and coalesce(a.shutdown_on > v_today, true)
     where m.key = v_conversation.model and m.kind = 'chat' and m.enabled
     group by m.key;
  end if;
  return jsonb_build_object(
    'id', v_conversation.id,
    'messages_id', case when v_conversation.is_main then 0 else v_conversation.id end,
    'is_main', v_conversation.is_main,
    'name', v_conversation.name,
    'model', v_conversation.model,
    'model_feature', v_feature,
    'models', coalesce(v_models, '[]'::jsonb),
    'instructions', v_conversation.instructions,
    'summary', v_conversation.summary,
    'summary_until', v_conversation.summary_until,
    'files', v_files,
    'file_characters', coalesce(v_more, 0),
    'cost', v_cost::text
  );
end
$$;

revoke all on function private.load_conversation from public, anon, authenticated, service_role;
comment on function private.load_conversation is 'Loads the current conversation of a session';
