-- Ai conversations.
--
-- The wider check replaces the narrow one in one transaction, and the index of messages replaces one; the others are of new
-- columns.
-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid, require-concurrent-index-creation, require-concurrent-index-deletion
-- squawk-ignore-file ban-drop-function

drop function private.recent_messages(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint, p_characters integer);

drop function public.receive_update(p_bot text, p_update_id bigint, p_delivery uuid, p_kind text, p_chat_id bigint, p_telegram_user jsonb, p_payload jsonb, p_lease_seconds integer, p_reserve boolean, p_history integer, p_thread bigint, p_history_characters integer, p_cost numeric);

drop index public.messages_session_idx;

alter table public.messages add column conversation_id bigint default 0 not null;

alter table public.subscription_limits add column conversations integer default 5 not null;

alter table public.subscription_limits add column instructions_characters integer default 1500 not null;

-- Conversations of users with the AI that have a name or settings of their own. The main conversation of a session needs no
-- row until the user sets something for it; its messages have conversation_id 0. The session's data name the current one
-- ("conversation": id). The tables conversations and conversation_messages are those of the operators' inbox.

create table public.ai_conversations (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  is_main boolean not null default false,
  name text,
  model text,
  instructions text,
  reference text unique,
  created_at timestamptz not null default private.clock(),
  last_used_at timestamptz not null default private.clock(),
  constraint ai_conversations_check check (
    length(name) between 1 and 60 and length(instructions) between 1 and 10000
  )
);

-- The main conversation of a session, of which there is one.
create unique index ai_conversations_main_idx on public.ai_conversations (user_id, bot, chat_id, thread_id) where is_main;
-- The conversations of a session, and all of a user.
create index ai_conversations_session_idx on public.ai_conversations (user_id, bot, chat_id, thread_id, id);
-- Finds a group's conversations when it becomes a supergroup (public.migrate_chat).
create index ai_conversations_group_idx on public.ai_conversations (chat_id) where chat_id < 0;

comment on table public.ai_conversations is 'Conversations with the AI that have a name or settings of their own';
comment on column public.ai_conversations.thread_id is 'Topic of the chat, see bot_sessions.thread_id';
comment on column public.ai_conversations.is_main is 'The conversation of a session before the user begins another; its messages have conversation_id 0';
comment on column public.ai_conversations.name is 'Shown in lists; null until the first question, whose beginning it becomes';
comment on column public.ai_conversations.model is 'Chosen model, a key of ai_modes of kind chat; null: the standard one';
comment on column public.ai_conversations.instructions is 'What the user wants of each answer; sent as the user''s words, never as a system prompt';
comment on column public.ai_conversations.reference is 'Update that created it, so that a repeated one creates no second; null of the main one';
alter table public.ai_conversations enable row level security;
revoke all on table public.ai_conversations from public, anon, authenticated, service_role;
revoke all on sequence public.ai_conversations_id_seq from public, anon, authenticated, service_role;

-- Returns what a user's plan allows of conversations with the AI; nothing where no plan covers the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: record, conversations and instructions_characters (see subscription_limits).
-- Errors: none.
create or replace function private.conversation_limits(
  p_user_id bigint, out conversations integer, out instructions_characters integer
)
returns record
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  select l.conversations, l.instructions_characters
    into conversations, instructions_characters
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
  conversations := coalesce(conversations, 0);
  instructions_characters := coalesce(instructions_characters, 0);
end
$$;

revoke all on function private.conversation_limits from public, anon, authenticated, service_role;
comment on function private.conversation_limits is 'Returns what a plan allows of conversations with the AI';

-- Creates a named conversation of a session. It does not become the current one: the caller sets the session's data.
--
-- p_name: null, to name it after its first question. p_reference: the update that asks for it.
--
-- Concurrency: the user's row is locked, so the limit of the plan holds; a known reference returns its conversation.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'created' | 'limit'
--   id?: bigint                 (created)
--   most?: int                  (limit)
-- Errors: J0001 no such user; J0002 the name is invalid, or the reference is another user's.
create or replace function public.create_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_name text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known public.ai_conversations;
  v_limits record;
  v_count integer;
  v_id bigint;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(p_name) not between 1 and 60 or p_reference is null then
    raise exception 'the name of a conversation has 1 to 60 characters' using errcode = 'J0002';
  end if;
  select c.* into v_known from public.ai_conversations as c where c.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'created', 'id', v_known.id);
  end if;
  v_limits := private.conversation_limits(p_user_id);
  select count(*) into v_count
    from public.ai_conversations as c
   where c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread and not c.is_main;
  if v_count >= v_limits.conversations then
    return jsonb_build_object('outcome', 'limit', 'most', v_limits.conversations);
  end if;
  insert into public.ai_conversations (user_id, bot, chat_id, thread_id, name, reference)
  values (p_user_id, p_bot, p_chat_id, p_thread, p_name, p_reference)
  returning id into v_id;
  return jsonb_build_object('outcome', 'created', 'id', v_id);
end
$$;

revoke all on function public.create_conversation from public, anon, authenticated, service_role;
grant execute on function public.create_conversation to bot_backend;
comment on function public.create_conversation is 'Creates a named conversation of a session';

-- Deletes a named conversation with its messages. The main conversation of a session stays; /clear empties it.
--
-- Concurrency: the row is deleted before the messages. An answer that is stored at this moment is deleted with it or, after it,
--   not stored (private.use_conversation).
-- Locks: conversation, then its messages.
-- Returns: jsonb
--   deleted: boolean           (false: it was not there)
-- Errors: none.
create or replace function public.delete_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.ai_conversations as c
   where c.id = p_id and not c.is_main
     and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  if not found then
    return jsonb_build_object('deleted', false);
  end if;
  delete from public.messages as m
   where m.user_id = p_user_id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
     and m.conversation_id = p_id;
  return jsonb_build_object('deleted', true);
end
$$;

revoke all on function public.delete_conversation from public, anon, authenticated, service_role;
grant execute on function public.delete_conversation to bot_backend;
comment on function public.delete_conversation is 'Deletes a named conversation with its messages';

-- Lists the conversations of a session, the one used last first, with what the plan allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   most: int                               (named conversations that the plan allows)
--   instructions_characters: int            (longest instructions that the plan allows; 0: none)
--   conversations: [ {
--     id: bigint
--     is_main: boolean
--     name: text | null
--     model: text | null
--     has_instructions: boolean
--     last_used_at: timestamptz
--   } ]                                     (without the main one, if nothing was set for it)
-- Errors: none.
create or replace function public.list_conversations(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limits record := private.conversation_limits(p_user_id);
begin
  return jsonb_build_object(
    'most', v_limits.conversations,
    'instructions_characters', v_limits.instructions_characters,
    'conversations', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', c.id, 'is_main', c.is_main, 'name', c.name, 'model', c.model,
              'has_instructions', c.instructions is not null, 'last_used_at', c.last_used_at
            )
            order by c.is_main desc, c.last_used_at desc, c.id desc
          ), '[]'::jsonb
        )
        from public.ai_conversations as c
       where c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread
    )
  );
end
$$;

revoke all on function public.list_conversations from public, anon, authenticated, service_role;
grant execute on function public.list_conversations to bot_backend;
comment on function public.list_conversations is 'Lists the conversations of a session';

-- Lists the models that users may choose between (/model) as public.list_ai_modes does, each with the price of a typical question:
-- 3,000 tokens in, 500 out.
--
-- p_provider, p_model: the standard model, whose price comes along.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   standard: numeric | null                  (US dollars; null: unknown)
--   choices: [ {
--     key: text
--     texts: product_texts
--     plan_feature: text | null
--     models: [ { provider: text, model: text, plan_feature: text | null, price: numeric | null } ]
--   } ]
-- Errors: none.
create or replace function public.list_model_choices(p_provider text, p_model text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_usage jsonb := '{"input_tokens": 3000, "output_tokens": 500}'::jsonb;
begin
  return jsonb_build_object(
    'standard', private.call_cost(p_provider, p_model, v_usage, '{}', private.clock())::text,
    'choices', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'key', c.value -> 'key', 'texts', c.value -> 'texts', 'plan_feature', c.value -> 'plan_feature',
              'models', (
                select jsonb_agg(
                    jsonb_build_object(
                      'provider', m.value -> 'provider', 'model', m.value -> 'model',
                      'plan_feature', m.value -> 'plan_feature',
                      'price', private.call_cost(
                        m.value ->> 'provider', m.value ->> 'model', v_usage, '{}', private.clock()
                      )::text
                    )
                    order by m.position
                  )
                  from jsonb_array_elements(c.value -> 'models') with ordinality as m (value, position)
              )
            )
            order by c.position
          ), '[]'::jsonb
        )
        from jsonb_array_elements(public.list_ai_modes('chat')) with ordinality as c (value, position)
    )
  );
end
$$;

revoke all on function public.list_model_choices from public, anon, authenticated, service_role;
grant execute on function public.list_model_choices to bot_backend;
comment on function public.list_model_choices is 'Lists the models that users may choose between';

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
    'cost', v_cost::text
  );
end
$$;

revoke all on function private.load_conversation from public, anon, authenticated, service_role;
comment on function private.load_conversation is 'Loads the current conversation of a session';

-- Changes the name, model or instructions of a conversation.
--
-- p_id: 0 of the main conversation of the session, for which a row is created. p_changes: name, model (a key of ai_modes),
-- instructions; null removes one.
--
-- Concurrency: of two changes of one value at once the last one counts; of the main conversation only one row is created.
-- Locks: user (KEY SHARE), conversation.
-- Returns: jsonb
--   outcome: 'updated' | 'none' | 'too_long'   (none: there is no such conversation in this session)
--   id?: bigint                 (updated)
--   most?: int                  (too_long: characters of instructions that the plan allows)
-- Errors: J0001 no such user; J0002 a value is invalid.
create or replace function public.update_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_changes jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limits record;
  v_id bigint := nullif(p_id, 0);
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(p_changes ->> 'name') not between 1 and 60 or length(p_changes ->> 'instructions') = 0
    or length(p_changes ->> 'model') not between 1 and 32
  then
    raise exception 'a name, model or instructions are invalid' using errcode = 'J0002';
  end if;
  v_limits := private.conversation_limits(p_user_id);
  if length(p_changes ->> 'instructions') > v_limits.instructions_characters then
    return jsonb_build_object('outcome', 'too_long', 'most', v_limits.instructions_characters);
  end if;
  if v_id is null then
    insert into public.ai_conversations as c (user_id, bot, chat_id, thread_id, is_main)
    values (p_user_id, p_bot, p_chat_id, p_thread, true)
    on conflict (user_id, bot, chat_id, thread_id) where is_main do update set last_used_at = c.last_used_at
    returning c.id into v_id;
  end if;
  update public.ai_conversations as c
     set name = case when p_changes ? 'name' then p_changes ->> 'name' else c.name end,
         model = case when p_changes ? 'model' then p_changes ->> 'model' else c.model end,
         instructions = case when p_changes ? 'instructions' then p_changes ->> 'instructions' else c.instructions end
   where c.id = v_id and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  return jsonb_build_object('outcome', 'updated', 'id', v_id);
end
$$;

revoke all on function public.update_conversation from public, anon, authenticated, service_role;
grant execute on function public.update_conversation to bot_backend;
comment on function public.update_conversation is 'Changes the name, model or instructions of a conversation';

-- Notes that a conversation was used, and names it after its first question.
--
-- Concurrency: the row is locked until the messages are stored. A deletion that came first leaves nothing to store them in; one
--   that comes later deletes them.
-- Locks: conversation.
-- Returns: bigint, conversation_id of its messages (0: the main one); null if it was deleted.
-- Errors: none.
create or replace function private.use_conversation(
  p_update public.telegram_updates, p_id bigint, p_name text, p_now timestamptz
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages bigint;
begin
  update public.ai_conversations as c
     set last_used_at = p_now,
         name = case when c.is_main then c.name else coalesce(c.name, p_name) end
   where c.id = p_id and c.user_id = p_update.user_id
  returning case when c.is_main then 0 else c.id end into v_messages;
  return v_messages;
end
$$;

revoke all on function private.use_conversation from public, anon, authenticated, service_role;
comment on function private.use_conversation is 'Notes that a conversation was used';

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
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
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

-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   ban_notified: the answer tells the user about the ban; of two such updates only the first one's answer is kept
--   conversation_id: the conversation that the messages belong to; without it, the main one of the session. If it was
--     deleted meanwhile, the messages are not stored
--   conversation_name: its name, if it has none yet
--   erase {hash, balance}: erase the user (private.erase_user)
-- p_messages [{role, content, message_id}]: the conversation to store; it replaces rows of an edited message_id in the
-- same conversation.
-- p_reservation: settled when a reserved request was served. Otherwise the request is released, unless a provider
-- call was billed, or a provider was called and the releases of the day (setting daily_releases) are used up.
-- p_outgoing: Bot API calls to enqueue. p_usage: the calls to AI providers (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared: a worker that lost its lease changes nothing, and a
--   repeated call after a lost response changes nothing and gets the same answer. Only the worker that finishes
--   records p_usage, so each call counts once. Session data are merged key by key and never written back whole, so a
--   button and a message at once lose nothing. For a user who was erased meanwhile nothing is written.
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), for a first request referrer and user by id,
--   request counters, the held update (FOR UPDATE SKIP LOCKED), session, conversation and messages,
--   counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   follow_up?: outgoing   (finished: the messages of private.on_first_request, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent, because the user got it already)
-- Errors: Y0001 and Y0002, see private.erase_user; K0001 and K0002, see private.change_token.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]',
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_hold interval := make_interval(secs => (p_session ->> 'hold')::double precision);
  v_outgoing jsonb := '[]'::jsonb;
  v_follow_up jsonb := '[]'::jsonb;
  v_conversation bigint := 0;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(jsonb_agg(o.id order by o.id), '[]'::jsonb) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return jsonb_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.lock_user(v_update, p_session ? 'erase') then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    p_reservation := case
      when private.has_billed_call(p_usage) then 'settled'
      when private.release_usage(
        v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from, p_usage <> '[]'
      ) then 'released'
      else 'settled'
    end;
  elsif p_reservation = 'settled' then
    v_follow_up := private.on_first_request(v_update.user_id, p_bot, p_update_id);
  end if;
  if p_session ? 'ban_notified' and not private.mark_ban_notified(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  if p_session ? 'finish_held' then
    update public.telegram_updates as t
       set status = 'finished', payload = null, error = null, lease_until = null
      from (
        select h.bot, h.update_id
          from public.telegram_updates as h
         where h.bot = p_bot and h.update_id = (p_session ->> 'finish_held')::bigint
           and h.user_id = v_update.user_id and h.status = 'failed'
           for update skip locked
      ) as held
     where t.bot = held.bot and t.update_id = held.update_id;
  end if;
  perform private.change_session(v_update, p_session, p_reservation, v_now);
  if p_messages <> '[]' and p_session ? 'conversation_id' then
    v_conversation := private.use_conversation(
      v_update, (p_session ->> 'conversation_id')::bigint, p_session ->> 'conversation_name', v_now
    );
  end if;
  if p_messages <> '[]' and v_conversation is not null then
    if v_update.kind = 'edited_message' then
      delete from public.messages as m
       where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
         and m.thread_id = v_update.thread_id and m.conversation_id = v_conversation
         and m.message_id = (p_messages -> 0 ->> 'message_id')::bigint;
    end if;
    insert into public.messages (user_id, bot, chat_id, thread_id, conversation_id, role, content, message_id, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, v_update.thread_id, v_conversation, m.value ->> 'role',
      m.value ->> 'content', (m.value ->> 'message_id')::bigint, v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.enqueue_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = case when v_hold is null then 'finished' else 'failed' end,
         payload = case when v_hold is not null then t.payload end,
         error = null,
         lease_until = v_now + v_hold - interval '1 minute',  -- the sweep waits a minute longer
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = case when v_hold is null then v_answer end
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_user(v_update, p_session -> 'erase');
  end if;
  return jsonb_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'follow_up', v_follow_up,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated, service_role;
grant execute on function public.finish_update to bot_backend;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- Moves the sessions, conversations and running quiz of a group to the supergroup that it became. Telegram reports both ids,
-- once in each chat. Updates in progress move with their chat, so what they commit is found in the new one. A session that
-- the supergroup already has, because its first message can arrive before the report, is kept and gets what it lacks.
--
-- Concurrency: a second call finds nothing left to move.
-- Locks: open updates of the group (FOR UPDATE) by bot and update_id, its users (KEY SHARE) by id, then their
--   sessions and conversations, then the running quiz.
-- Returns: jsonb
--   sessions: int          (how many were moved)
-- Errors: none.
create or replace function public.migrate_chat(p_old bigint, p_new bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_moved bigint;
begin
  if p_old = p_new then
    return jsonb_build_object('sessions', 0);
  end if;
  update public.telegram_updates as t
     set chat_id = p_new
    from (
      select o.bot, o.update_id
        from public.telegram_updates as o
       where o.status in ('working', 'failed') and o.chat_id = p_old
       order by o.bot, o.update_id
         for update
    ) as open_update
   where t.bot = open_update.bot and t.update_id = open_update.update_id;
  perform from public.users as u
    where u.id in (select s.user_id from public.bot_sessions as s where s.chat_id = p_old and s.chat_id < 0)
    order by u.id
      for key share;

  with moved as (
    delete from public.bot_sessions as s
     where s.chat_id = p_old and s.chat_id < 0
    returning s.*
  ), talk as (
    update public.messages as m
       set chat_id = p_new
      from moved as o
     where m.user_id = o.user_id and m.bot = o.bot and m.chat_id = p_old and m.thread_id = o.thread_id
  ), kept as (
    insert into public.bot_sessions as s
      (user_id, bot, chat_id, thread_id, mode, session_data, stats_data, last_update_id, created_at, updated_at)
    select o.user_id, o.bot, p_new, o.thread_id, o.mode, o.session_data, o.stats_data, o.last_update_id, o.created_at, o.updated_at
      from moved as o
    on conflict (user_id, bot, chat_id, thread_id) do update
      set mode = case when s.mode = 'chat' then excluded.mode else s.mode end,
          session_data = excluded.session_data || s.session_data,
          stats_data = excluded.stats_data || s.stats_data || jsonb_build_object(
            'requests',
            coalesce((excluded.stats_data ->> 'requests')::bigint, 0) + coalesce((s.stats_data ->> 'requests')::bigint, 0)
          ),
          last_update_id = greatest(s.last_update_id, excluded.last_update_id),
          created_at = least(s.created_at, excluded.created_at)
  )
  select count(*) into v_moved from moved;
  -- The supergroup's own main conversation stays.
  delete from public.ai_conversations as c
   where c.chat_id = p_old and c.chat_id < 0 and c.is_main
     and exists (
       select
         from public.ai_conversations as o
        where o.user_id = c.user_id and o.bot = c.bot and o.chat_id = p_new and o.thread_id = c.thread_id and o.is_main
     );
  update public.ai_conversations as c set chat_id = p_new where c.chat_id = p_old and c.chat_id < 0;
  update public.quiz_rounds as r
     set chat_id = p_new
   where r.chat_id = p_old
     and r.summarized_at is null
     and not exists (
       select
         from public.quiz_rounds as o
        where o.bot = r.bot and o.chat_id = p_new and o.thread_id = r.thread_id and o.summarized_at is null
     );
  return jsonb_build_object('sessions', v_moved);
end
$$;

revoke all on function public.migrate_chat from public, anon, authenticated, service_role;
grant execute on function public.migrate_chat to bot_backend;
comment on function public.migrate_chat is 'Moves the sessions of a group to the supergroup that it became';

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
        p_history_characters, coalesce((v_conversation ->> 'messages_id')::bigint, 0)
      )
      else '[]'::json
    end,
    'conversation', v_conversation,
    'edited_question', v_edited_question
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Returns the newest messages of a conversation, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, are left out.
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
  p_characters integer default null, p_conversation bigint default 0
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
           and r.conversation_id = p_conversation
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
           and r.conversation_id = p_conversation
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

alter table public.ai_modes drop constraint ai_modes_kind_check;

alter table public.ai_modes add constraint ai_modes_kind_check CHECK ((kind = ANY (ARRAY['chat'::text, 'image'::text, 'video'::text, 'transcription'::text, 'speech'::text, 'moderation'::text])));

alter table public.subscription_limits add constraint subscription_limits_conversations_check CHECK ((conversations >= 0));

alter table public.subscription_limits add constraint subscription_limits_instructions_characters_check CHECK (((instructions_characters >= 0) AND (instructions_characters <= 10000)));

CREATE INDEX messages_conversation_idx ON public.messages USING btree (user_id, bot, chat_id, thread_id, conversation_id, id);

comment on column public.messages.conversation_id is 'Conversation within the session (ai_conversations.id); 0: the main one';

comment on column public.subscription_limits.conversations is 'Named conversations of a user in one chat, besides the main one; 0: none';

comment on column public.subscription_limits.features is 'Features beyond plain chat; modes: the chat modes of shared/ai/modes.py; models: the models of /model that need it';

comment on column public.subscription_limits.instructions_characters is 'Longest instructions of a conversation (/prompt); 0: none';

insert into public.ai_modes ("key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider") select "key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider"
from jsonb_populate_record(null::public.ai_modes, '{"key": "claude_haiku", "kind": "chat", "model": "claude-haiku-5-5", "texts": {"en": {"title": "Claude Haiku", "description": "Quick, short answers"}, "ru": {"title": "Claude Haiku", "description": "Быстрые короткие ответы"}}, "enabled": true, "position": 10, "provider": "anthropic", "parameters": {}, "plan_feature": null, "fallback_model": null, "fallback_provider": null}') on conflict do nothing;

insert into public.ai_modes ("key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider") select "key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider"
from jsonb_populate_record(null::public.ai_modes, '{"key": "claude_sonnet", "kind": "chat", "model": "claude-sonnet-5", "texts": {"en": {"title": "Claude Sonnet", "description": "Hard questions, code and writing"}, "ru": {"title": "Claude Sonnet", "description": "Сложные вопросы, код и тексты"}}, "enabled": true, "position": 40, "provider": "anthropic", "parameters": {}, "plan_feature": "models", "fallback_model": null, "fallback_provider": null}') on conflict do nothing;

insert into public.ai_modes ("key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider") select "key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider"
from jsonb_populate_record(null::public.ai_modes, '{"key": "gemini_flash", "kind": "chat", "model": "gemini-3.8-flash", "texts": {"en": {"title": "Gemini Flash", "description": "Long texts and documents"}, "ru": {"title": "Gemini Flash", "description": "Длинные тексты и документы"}}, "enabled": true, "position": 30, "provider": "gemini", "parameters": {}, "plan_feature": "models", "fallback_model": null, "fallback_provider": null}') on conflict do nothing;

insert into public.ai_modes ("key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider") select "key", "kind", "model", "texts", "enabled", "position", "provider", "parameters", "plan_feature", "fallback_model", "fallback_provider"
from jsonb_populate_record(null::public.ai_modes, '{"key": "gpt_mini", "kind": "chat", "model": "gpt-5.4-mini", "texts": {"en": {"title": "GPT mini", "description": "Everyday tasks"}, "ru": {"title": "GPT mini", "description": "Для повседневных задач"}}, "enabled": true, "position": 20, "provider": "openai", "parameters": {}, "plan_feature": "models", "fallback_model": null, "fallback_provider": null}') on conflict do nothing;

-- Plans that exist keep what their owner set otherwise.
update public.subscription_limits as l
   set features = case when l.features @> '{models}' then l.features else l.features || '{models}' end,
       conversations = 50,
       instructions_characters = 4000
 where l.plan = 'PREMIUM';
