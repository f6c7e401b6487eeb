-- Conversation files.
--
-- The checks are of new columns, and the functions get parameters with defaults.
-- squawk-ignore-file ban-drop-function, constraint-missing-not-valid, require-concurrent-index-creation

drop function private.conversation_limits(p_user_id bigint, OUT conversations integer, OUT instructions_characters integer, OUT memory_facts integer);

drop function private.load_conversation(p_session public.bot_sessions, p_characters integer, p_answer_tokens integer);

alter table public.subscription_limits add column conversation_file_characters integer default 20000 not null;

alter table public.subscription_limits add column conversation_files integer default 3 not null;

-- The text of documents that a user added to a conversation: the AI reads them with each question.

create table public.ai_conversation_files (
  id bigint generated always as identity primary key,
  conversation_id bigint not null references public.ai_conversations (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  name text not null check (length(name) between 1 and 80),
  content text not null,
  reference text unique,
  created_at timestamptz not null default private.clock()
);

create index ai_conversation_files_conversation_idx on public.ai_conversation_files (conversation_id, id);
create index ai_conversation_files_user_idx on public.ai_conversation_files (user_id);

comment on table public.ai_conversation_files is 'Text of documents that users added to conversations';
comment on column public.ai_conversation_files.reference is 'Update that added it, so that a repeated one adds no second';
alter table public.ai_conversation_files enable row level security;
revoke all on table public.ai_conversation_files from public, anon, authenticated, service_role;
revoke all on sequence public.ai_conversation_files_id_seq from public, anon, authenticated, service_role;

-- Adds the text of a document to a conversation.
--
-- p_id: 0 of the main conversation of the session, for which a row is created. p_reference: the update that asks for it.
--
-- Concurrency: the user's row is locked, so the limits of the plan hold; a known reference returns its file.
-- Locks: user (NO KEY UPDATE), conversation.
-- Returns: jsonb
--   outcome: 'added' | 'none' | 'files' | 'characters'   (none: there is no such conversation; else the limit that is reached)
--   conversation?: bigint       (added)
--   most?: int                  (files, characters)
--   left?: int                  (characters: what still fits)
-- Errors: J0001 no such user; J0002 the name or the text is empty, or the reference is another user's.
create or replace function public.add_conversation_file(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_name text, p_content text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known public.ai_conversation_files;
  v_limits record;
  v_id bigint := nullif(p_id, 0);
  v_files integer;
  v_characters bigint;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(coalesce(p_name, '')) not between 1 and 80 or length(coalesce(p_content, '')) = 0 then
    raise exception 'the name or the text of a file is invalid' using errcode = 'J0002';
  end if;
  select f.* into v_known from public.ai_conversation_files as f where f.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'added', 'conversation', v_known.conversation_id);
  end if;
  if v_id is null then
    v_id := (public.update_conversation(p_user_id, p_bot, p_chat_id, p_thread, 0, '{}') ->> 'id')::bigint;
  end if;
  perform from public.ai_conversations as c
    where c.id = v_id and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread
      for key share;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_limits := private.conversation_limits(p_user_id);
  select count(*), coalesce(sum(length(f.content)), 0) into v_files, v_characters
    from public.ai_conversation_files as f
   where f.conversation_id = v_id;
  if v_files >= v_limits.files then
    return jsonb_build_object('outcome', 'files', 'most', v_limits.files);
  elsif v_characters + length(p_content) > v_limits.file_characters then
    return jsonb_build_object(
      'outcome', 'characters', 'most', v_limits.file_characters,
      'left', greatest(v_limits.file_characters - v_characters, 0)
    );
  end if;
  insert into public.ai_conversation_files (conversation_id, user_id, name, content, reference)
  values (v_id, p_user_id, p_name, p_content, p_reference);
  return jsonb_build_object('outcome', 'added', 'conversation', v_id);
end
$$;

revoke all on function public.add_conversation_file from public, anon, authenticated, service_role;
grant execute on function public.add_conversation_file to bot_backend;
comment on function public.add_conversation_file is 'Adds the text of a document to a conversation';

-- Returns what a user's plan allows of conversations with the AI; nothing where no plan covers the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: record, conversations, instructions_characters, memory_facts, files and file_characters (see subscription_limits).
-- Errors: none.
create or replace function private.conversation_limits(
  p_user_id bigint, out conversations integer, out instructions_characters integer, out memory_facts integer,
  out files integer, out file_characters integer
)
returns record
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  select l.conversations, l.instructions_characters, l.memory_facts, l.conversation_files,
    l.conversation_file_characters
    into conversations, instructions_characters, memory_facts, files, file_characters
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
  conversations := coalesce(conversations, 0);
  instructions_characters := coalesce(instructions_characters, 0);
  memory_facts := coalesce(memory_facts, 0);
  files := coalesce(files, 0);
  file_characters := coalesce(file_characters, 0);
end
$$;

revoke all on function private.conversation_limits from public, anon, authenticated, service_role;
comment on function private.conversation_limits is 'Returns what a plan allows of conversations with the AI';

-- Deletes a file of a conversation.
--
-- Concurrency: a second call finds nothing.
-- Locks: the file.
-- Returns: jsonb
--   deleted: boolean
-- Errors: none.
create or replace function public.delete_conversation_file(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.ai_conversation_files as f where f.id = p_id and f.user_id = p_user_id;
  return jsonb_build_object('deleted', found);
end
$$;

revoke all on function public.delete_conversation_file from public, anon, authenticated, service_role;
grant execute on function public.delete_conversation_file to bot_backend;
comment on function public.delete_conversation_file is 'Deletes a file of a conversation';

-- Returns the messages of a conversation for a file: the newest, p_limit at most and as many as fit whole into p_bytes.
--
-- p_id: 0 of the main conversation of the session.
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: jsonb
--   name: text | null
--   is_cut: boolean                         (there are older messages)
--   messages: [ { role: 'user' | 'assistant', content: text, created_at: timestamptz } ]   (oldest first)
-- Errors: none.
create or replace function public.export_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_limit integer default 5000,
  p_bytes integer default 5000000
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.ai_conversations;
  v_messages bigint;
  v_result jsonb;
begin
  select c.* into v_conversation
    from public.ai_conversations as c
   where c.id = p_id
     and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  v_messages := case when v_conversation.is_main then 0 else p_id end;
  with newest as (
    select m.id, m.role, m.content, m.created_at,
      row_number() over (order by m.id desc) as position,
      sum(octet_length(m.content)) over (order by m.id desc) as bytes
      from (
        select r.id, r.role, r.content, r.created_at
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = v_messages
         order by r.id desc
         limit p_limit + 1
      ) as m
  )
  select jsonb_build_object(
      'name', v_conversation.name,
      'is_cut', coalesce(bool_or(n.position > p_limit or n.bytes > p_bytes), false),
      'messages', coalesce(
        jsonb_agg(
          jsonb_build_object('role', n.role, 'content', n.content, 'created_at', n.created_at) order by n.id
        ) filter (where n.position <= p_limit and n.bytes <= p_bytes), '[]'::jsonb
      )
    )
    into v_result
    from newest as n;
  return v_result;
end
$$;

revoke all on function public.export_conversation from public, anon, authenticated, service_role;
grant execute on function public.export_conversation to bot_backend;
comment on function public.export_conversation is 'Returns the messages of a conversation for a file';

-- Lists the files of a conversation, the oldest first, with what the plan allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   most: int                               (files)
--   characters: int                         (of all files together)
--   files: [ { id: bigint, name: text, characters: int } ]
-- Errors: none.
create or replace function public.list_conversation_files(p_user_id bigint, p_id bigint)
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
    'most', v_limits.files,
    'characters', v_limits.file_characters,
    'files', (
      select coalesce(
          jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'characters', length(f.content)) order by f.id),
          '[]'::jsonb
        )
        from public.ai_conversation_files as f
       where f.conversation_id = p_id and f.user_id = p_user_id
    )
  );
end
$$;

revoke all on function public.list_conversation_files from public, anon, authenticated, service_role;
grant execute on function public.list_conversation_files to bot_backend;
comment on function public.list_conversation_files is 'Lists the files of a conversation';

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
    'conversation_files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_conversation_files as f
       where f.user_id = u.id
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
    v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    -- The estimate of p_cost has at least 60,000 characters.
    p_cost := greatest(
      p_cost * (1 + coalesce((v_conversation ->> 'file_characters')::integer, 0) / 60000.0),
      (v_conversation ->> 'cost')::numeric
    );
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
      v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
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

alter table public.subscription_limits add constraint subscription_limits_conversation_file_characters_check CHECK (((conversation_file_characters >= 0) AND (conversation_file_characters <= 400000)));

alter table public.subscription_limits add constraint subscription_limits_conversation_files_check CHECK ((conversation_files >= 0));

comment on column public.subscription_limits.conversation_file_characters is 'Characters of all files of a conversation, which are sent with each question';

comment on column public.subscription_limits.conversation_files is 'Files of one conversation; 0: none';
