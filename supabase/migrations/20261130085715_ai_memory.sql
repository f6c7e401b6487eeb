-- Ai memory.
--
-- The checks are of new columns, and the functions get parameters with defaults.
-- squawk-ignore-file ban-drop-function, constraint-missing-not-valid, require-concurrent-index-creation

drop function private.conversation_limits(p_user_id bigint, OUT conversations integer, OUT instructions_characters integer);

drop function private.recent_messages(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint, p_characters integer, p_conversation bigint);

alter table public.ai_conversations add column summary text;

alter table public.ai_conversations add column summary_claim uuid;

alter table public.ai_conversations add column summary_claimed_at timestamp with time zone;

alter table public.ai_conversations add column summary_until bigint;

alter table public.subscription_limits add column memory_facts integer default 30 not null;

alter table public.users add column memory_enabled boolean;

-- Facts about themselves that users let a bot keep across conversations (/memory). users.memory_enabled is the switch.

create table public.ai_memory (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  content text not null check (length(content) between 1 and 300),
  reference text unique,
  created_at timestamptz not null default private.clock()
);

create index ai_memory_user_idx on public.ai_memory (user_id, bot, id);

comment on table public.ai_memory is 'Facts about themselves that users let a bot keep';
comment on column public.ai_memory.reference is 'Update that stored it, so that a repeated one stores no second';
alter table public.ai_memory enable row level security;
revoke all on table public.ai_memory from public, anon, authenticated, service_role;
revoke all on sequence public.ai_memory_id_seq from public, anon, authenticated, service_role;

-- Changes what a bot keeps about a user: switches the memory of all bots on or off, changes a fact, deletes one or all.
--
-- p_is_on: the switch; null leaves it. p_id: a fact; with p_content its new text, without it the fact is deleted; 0: all facts are
-- deleted.
--
-- Concurrency: of two changes at once the last one counts.
-- Locks: user (NO KEY UPDATE where the switch changes), facts.
-- Returns: jsonb
--   changed: int                (facts that were changed or deleted)
-- Errors: J0002 the text is too long.
create or replace function public.change_memory(
  p_user_id bigint, p_bot text, p_is_on boolean default null, p_id bigint default null, p_content text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_changed integer := 0;
begin
  if length(p_content) not between 1 and 300 then
    raise exception 'a fact has 1 to 300 characters' using errcode = 'J0002';
  end if;
  if p_is_on is not null then
    update public.users as u set memory_enabled = p_is_on where u.id = p_user_id;
  end if;
  if p_content is not null then
    update public.ai_memory as f
       set content = p_content
     where f.id = p_id and f.user_id = p_user_id and f.bot = p_bot;
    get diagnostics v_changed = row_count;
  elsif p_id is not null then
    delete from public.ai_memory as f
     where f.user_id = p_user_id and f.bot = p_bot and (f.id = p_id or p_id = 0);
    get diagnostics v_changed = row_count;
  end if;
  return jsonb_build_object('changed', v_changed);
end
$$;

revoke all on function public.change_memory from public, anon, authenticated, service_role;
grant execute on function public.change_memory to bot_backend;
comment on function public.change_memory is 'Changes what a bot keeps about a user';

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
    v_claims := v_claims || jsonb_build_object(
      'id', v_conversation.id, 'claim', v_conversation.summary_claim, 'bot', v_conversation.bot,
      'summary', v_conversation.summary, 'until', v_old.until, 'messages', v_old.messages
    );
  end loop;
  return v_claims;
end
$$;

revoke all on function public.claim_summaries from public, anon, authenticated, service_role;
grant execute on function public.claim_summaries to bot_backend;
comment on function public.claim_summaries is 'Claims conversations whose history has to be summarized';

-- Returns what a user's plan allows of conversations with the AI; nothing where no plan covers the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: record, conversations, instructions_characters and memory_facts (see subscription_limits).
-- Errors: none.
create or replace function private.conversation_limits(
  p_user_id bigint, out conversations integer, out instructions_characters integer, out memory_facts integer
)
returns record
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  select l.conversations, l.instructions_characters, l.memory_facts
    into conversations, instructions_characters, memory_facts
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
  conversations := coalesce(conversations, 0);
  instructions_characters := coalesce(instructions_characters, 0);
  memory_facts := coalesce(memory_facts, 0);
end
$$;

revoke all on function private.conversation_limits from public, anon, authenticated, service_role;
comment on function private.conversation_limits is 'Returns what a plan allows of conversations with the AI';

-- Lists the facts that a bot keeps about a user, the oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   is_on: boolean | null                   (null: the user has not decided; the first fact switches it on)
--   most: int                               (facts that the plan allows)
--   facts: [ { id: bigint, content: text } ]
-- Errors: none.
create or replace function public.list_memory(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'is_on', (select u.memory_enabled from public.users as u where u.id = p_user_id),
    'most', (private.conversation_limits(p_user_id)).memory_facts,
    'facts', (
      select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'content', f.content) order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = p_user_id and f.bot = p_bot
    )
  );
end
$$;

revoke all on function public.list_memory from public, anon, authenticated, service_role;
grant execute on function public.list_memory to bot_backend;
comment on function public.list_memory is 'Lists the facts that a bot keeps about a user';

-- Loads the current conversation of a session, for private.receive_update: which messages are its history, and its settings.
--
-- p_characters: the most of the history that is sent; p_answer_tokens: the longest answer. With them, the cost of a question to
-- a chosen model is estimated; characters count as tokens, 80,000 more for the question and a document or pictures.
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
--     cost: numeric | null                    (most that a question costs, US dollars; null: that of the standard model)
--   } | null                                  (the main conversation, without settings)
-- Errors: none.
create or replace function private.load_conversation(
  p_session public.bot_sessions, p_characters integer default null, p_answer_tokens integer default null
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
        jsonb_build_object('input_tokens', p_characters + 80000, 'output_tokens', p_answer_tokens),
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
    'cost', v_cost::text
  );
end
$$;

revoke all on function private.load_conversation from public, anon, authenticated, service_role;
comment on function private.load_conversation is 'Loads the current conversation of a session';

-- Returns the facts that a bot keeps about a user, for the AI.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: json, a list of texts, the oldest first.
-- Errors: none.
create or replace function private.load_memory(p_user_id bigint, p_bot text)
returns json
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(json_agg(f.content order by f.id), '[]'::json)
      from public.ai_memory as f
     where f.user_id = p_user_id and f.bot = p_bot
  );
end
$$;

revoke all on function private.load_memory from public, anon, authenticated, service_role;
comment on function private.load_memory is 'Returns the facts that a bot keeps about a user';

-- Returns the older part of a conversation that no longer fits into its history; nothing while all of it fits. Of the newest 400
-- messages, at most 200 are summarized at once.
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: record, until (the last message of the part; null: nothing) and messages, [{role, content}], the oldest first.
-- Errors: none.
create or replace function private.messages_to_summarize(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_conversation bigint, p_after bigint,
  p_history integer, p_characters integer, out until bigint, out messages jsonb
)
returns record
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_history integer;
begin
  select least(p_history, l.history_length) into v_history
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
  with newest as (
    select m.id, m.role, m.content,
      row_number() over (order by m.id desc) as position,
      sum(length(m.content)) over (order by m.id desc) as characters
      from (
        select r.id, r.role, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = p_conversation and r.id > p_after
         order by r.id desc
         limit 400
      ) as m
  ), old as (
    select n.id, n.role, n.content
      from newest as n
     where (n.position > v_history / 2 or n.characters > p_characters / 2)
       and exists (select from newest as x where x.position > v_history or x.characters > p_characters)
     order by n.id
     limit 200
  )
  select max(o.id), jsonb_agg(jsonb_build_object('role', o.role, 'content', left(o.content, 4000)) order by o.id)
    into until, messages
    from old as o;
end
$$;

revoke all on function private.messages_to_summarize from public, anon, authenticated, service_role;
comment on function private.messages_to_summarize is 'Returns the older part of a conversation that no longer fits';

-- Stores a fact that a user asked a bot to keep. The first one switches the memory on.
--
-- Concurrency: the user's row is locked, so the limit of the plan holds; a known reference returns its fact.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'saved' | 'limit' | 'off'
--   id?: bigint                 (saved)
--   most?: int                  (limit)
-- Errors: J0001 no such user; J0002 the fact is empty or too long, or the reference is another user's.
create or replace function public.remember_fact(p_user_id bigint, p_bot text, p_content text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_known public.ai_memory;
  v_most integer;
  v_id bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(coalesce(p_content, '')) not between 1 and 300 then
    raise exception 'a fact has 1 to 300 characters' using errcode = 'J0002';
  end if;
  select f.* into v_known from public.ai_memory as f where f.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'saved', 'id', v_known.id);
  elsif not v_user.memory_enabled then
    return jsonb_build_object('outcome', 'off');
  end if;
  v_most := (private.conversation_limits(p_user_id)).memory_facts;
  if (select count(*) from public.ai_memory as f where f.user_id = p_user_id and f.bot = p_bot) >= v_most then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  end if;
  insert into public.ai_memory (user_id, bot, content, reference)
  values (p_user_id, p_bot, p_content, p_reference)
  returning id into v_id;
  update public.users as u set memory_enabled = true where u.id = p_user_id and u.memory_enabled is null;
  return jsonb_build_object('outcome', 'saved', 'id', v_id);
end
$$;

revoke all on function public.remember_fact from public, anon, authenticated, service_role;
grant execute on function public.remember_fact to bot_backend;
comment on function public.remember_fact is 'Stores a fact that a user asked a bot to keep';

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

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'conversations', (
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference', 'summary_claim', 'summary_claimed_at'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Applies what a handler changed in its session and in the user's preferences.
--
-- p_changes may hold mode, data (keys to set; null removes one), language, price_currency, is_active, referrer_code
-- (private.attach_referral), token (a change of a user API key, private.change_token), clear_history (true deletes
-- the messages of the conversation), conversation_id (the conversation that the update belongs to; without it, the main one)
-- and drop_model (true makes that conversation use the standard model). public.finish_update handles its other keys.
--
-- Concurrency: the caller holds the update row and calls once. Session data are merged into the row key by key, so
--   two updates of one session lose nothing.
-- Locks: user (where a preference changes), for a referral referrer and user (KEY SHARE), for a key the user (NO KEY
--   UPDATE), then messages, conversation and session.
-- Returns: void
-- Errors: those of private.change_token.
create or replace function private.change_session(
  p_update public.telegram_updates, p_changes jsonb, p_reservation text, p_now timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_changes ? 'is_active' then
    perform private.set_blocked(p_update.chat_id, p_update.bot, not (p_changes ->> 'is_active')::boolean);
  end if;
  if p_changes ?| array['language', 'price_currency'] then
    update public.users as u
       set language = coalesce(p_changes ->> 'language', u.language),
           price_currency = coalesce(p_changes ->> 'price_currency', u.price_currency)
     where u.id = p_update.user_id;
  end if;
  if p_changes ? 'referrer_code' then
    perform private.attach_referral(p_update.user_id, p_changes ->> 'referrer_code');
  end if;
  if p_changes ? 'token' then
    perform private.change_token(p_update.user_id, p_changes -> 'token');
  end if;
  if (p_changes ->> 'clear_history')::boolean then
    delete from public.messages as m
     where m.user_id = p_update.user_id and m.bot = p_update.bot and m.chat_id = p_update.chat_id
       and m.thread_id = p_update.thread_id
       and m.conversation_id = case
         when p_changes ? 'conversation_id' then (
           select case when c.is_main then 0 else c.id end
             from public.ai_conversations as c
            where c.id = (p_changes ->> 'conversation_id')::bigint
         )
         else 0
       end;
    update public.ai_conversations as c
       set summary = null, summary_until = null, summary_claim = null
     where case
       when p_changes ? 'conversation_id' then c.id = (p_changes ->> 'conversation_id')::bigint
       else c.is_main
     end
       and c.user_id = p_update.user_id and c.bot = p_update.bot and c.chat_id = p_update.chat_id
       and c.thread_id = p_update.thread_id and (c.summary is not null or c.summary_claim is not null);
  end if;
  if (p_changes ->> 'drop_model')::boolean then
    update public.ai_conversations as c
       set model = null
     where c.id = (p_changes ->> 'conversation_id')::bigint and c.user_id = p_update.user_id;
  end if;
  update public.bot_sessions as s
     set mode = coalesce(p_changes ->> 'mode', s.mode),
         session_data = case
           when p_changes ? 'data' then (s.session_data || (p_changes -> 'data')) - array(
             select d.key from jsonb_each(p_changes -> 'data') as d where d.value = 'null'
           )
           else s.session_data
         end,
         stats_data = case
           when p_reservation = 'settled' then s.stats_data || jsonb_build_object(
             'requests', coalesce((s.stats_data ->> 'requests')::bigint, 0) + 1
           )
           else s.stats_data
         end,
         last_update_id = case
           when p_update.kind in ('message', 'edited_message') then p_update.update_id
           else s.last_update_id
         end,
         updated_at = p_now
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id
     and s.thread_id = p_update.thread_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated, service_role;
comment on function private.change_session is 'Applies what a handler changed in its session';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further. p_answer_tokens: the longest answer, for the cost of a conversation with a model of its own.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     memory_enabled?: boolean | null,
--     ban?: { reason: text | null, notified: boolean } | null
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   conversation?: private.load_conversation | null    (work; null: the main one, without settings)
--   memory?: [ text ] | null                  (facts that the user lets the bot keep; only in the private chat)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0,
  p_answer_tokens integer default null
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_conversation jsonb;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  -- In a mode that makes pictures, a text is no question to the AI.
  p_reserve := p_reserve and v_session.mode not like 'image:%';
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
  end if;
  if v_session.session_data ? 'conversation' then
    v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens);
    p_cost := greatest(p_cost, (v_conversation ->> 'cost')::numeric);
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
    if v_session.session_data ? 'conversation' then
      v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens);
    end if;
  end if;
  if v_session.session_data ? 'paste' and p_kind in ('message', 'callback_query')
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content into v_edited_question
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.conversation_id = coalesce((v_conversation ->> 'messages_id')::bigint, 0) and m.message_id = v_edited and m.role = 'user'
     order by m.id desc
     limit 1;
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_session.created_at >= v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'memory_enabled', v_user.memory_enabled,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters, coalesce((v_conversation ->> 'messages_id')::bigint, 0),
        coalesce((v_conversation ->> 'summary_until')::bigint, 0)
      )
      else '[]'::json
    end,
    'conversation', v_conversation,
    'memory', case
      when v_user.memory_enabled and p_history > 0 and p_chat_id > 0 then private.load_memory(v_user.id, p_bot)
    end,
    'edited_question', v_edited_question
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Returns the newest messages of a conversation, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, and those up to p_after, which a
-- summary covers, are left out.
--
-- The result is json: for 50 messages a quarter of the CPU of jsonb, which would be parsed and printed again. One aggregate
-- is cheaper than a loop, and json_agg of rows parses nothing (docs/performance.md).
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: json, [{role, content}]; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint default null,
  p_characters integer default null, p_conversation bigint default 0, p_after bigint default 0
)
returns json
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_items json;
  v_bytes bigint;
begin
  loop
    select json_agg(i order by m.id), sum(octet_length(m.content))
      into v_items, v_bytes
      from (
        select r.id, r.role, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = p_conversation and r.id > p_after
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as m
     cross join lateral (select m.role, m.content) as i;
    -- A text has at most as many characters as bytes, which are known without reading it.
    exit when coalesce(v_bytes <= p_characters, true);
    select count(*) into p_limit
      from (
        select sum(length(r.content)) over (order by r.id desc) as characters
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = p_conversation and r.id > p_after
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as s
     where s.characters <= p_characters;
    p_characters := null;
  end loop;
  return coalesce(v_items, '[]'::json);
end
$$;

revoke all on function private.recent_messages from public, anon, authenticated, service_role;
comment on function private.recent_messages is 'Returns the newest messages of a conversation, oldest first';

alter table public.subscription_limits add constraint subscription_limits_memory_facts_check CHECK ((memory_facts >= 0));

CREATE INDEX ai_conversations_summary_idx ON public.ai_conversations USING btree (last_used_at) WHERE (summary IS NOT NULL);

comment on column public.ai_conversations.summary is 'What was said up to the message summary_until, written by the AI (setting summarize_history)';

comment on column public.ai_conversations.summary_claim is 'The run of the job that writes the next summary';

comment on column public.subscription_limits.memory_facts is 'Facts that a bot keeps about a user (/memory); 0: none';

comment on column public.users.memory_enabled is 'Whether bots keep facts about the user across conversations (ai_memory); null: not decided, the first fact switches it on';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "summarize_history", "about": "The AI sees a summary of what no longer fits into the history of a conversation; each summary costs a call; false: older messages are left out", "value": false}') on conflict do nothing;
