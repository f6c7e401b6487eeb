-- Shared conversations.

-- Conversations that users share as pages. A row holds none of their text: the page shows the messages first_message to
-- last_message for as long as they are what they were when they were shared (digest). So an edit or deletion of one of them
-- withdraws the page at once, as does the end of their retention.

create table public.shared_conversations (
  id bigint generated always as identity primary key,
  token text not null unique,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  bot_username text not null,
  chat_id bigint not null,
  thread_id bigint not null,
  conversation_id bigint not null,
  title text,
  first_message bigint not null,
  last_message bigint not null,
  message_count integer not null,
  digest bytea not null,
  is_cut boolean not null,
  reference text not null unique,
  created_at timestamptz not null default private.clock(),
  withdrawn_at timestamptz
);

create index shared_conversations_user_idx on public.shared_conversations (user_id, bot, id);
-- The sweep deletes expired pages.
create index shared_conversations_created_at_idx on public.shared_conversations (created_at);

comment on table public.shared_conversations is 'Conversations that users share as pages';
comment on column public.shared_conversations.token is 'Random part of the address, 128 bits; kept so that the user can see the link again';
comment on column public.shared_conversations.bot_username is 'Username of the bot at Telegram, for the link on the page';
comment on column public.shared_conversations.conversation_id is 'See messages.conversation_id; 0: the main conversation';
comment on column public.shared_conversations.title is 'Name of the conversation when it was shared; null of the main one, and once withdrawn';
comment on column public.shared_conversations.digest is 'SHA-256 of the messages (private.shared_messages)';
comment on column public.shared_conversations.is_cut is 'Older messages were left out: the conversation is too long for one page';
comment on column public.shared_conversations.reference is 'Update that shared it, so that a repeated one shares no second';
comment on column public.shared_conversations.withdrawn_at is 'Since when the page no longer opens';
alter table public.shared_conversations enable row level security;
revoke all on table public.shared_conversations from public, anon, authenticated, service_role;
revoke all on sequence public.shared_conversations_id_seq from public, anon, authenticated, service_role;

-- Deletes a named conversation with its messages, and withdraws its pages. The main conversation of a session stays; /clear empties it.
--
-- Concurrency: the row is deleted before the messages. An answer that is stored at this moment is deleted with it or, after it,
--   not stored (private.use_conversation).
-- Locks: conversation, then its messages, then its pages.
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
  update public.shared_conversations as s
     set withdrawn_at = private.clock(), title = null
   where s.user_id = p_user_id and s.bot = p_bot and s.conversation_id = p_id and s.withdrawn_at is null;
  return jsonb_build_object('deleted', true);
end
$$;

revoke all on function public.delete_conversation from public, anon, authenticated, service_role;
grant execute on function public.delete_conversation to bot_backend;
comment on function public.delete_conversation is 'Deletes a named conversation with its messages';

-- Deletes shared pages that are older than the setting retention_messages_days: none of their messages is left. Their links
-- then lead nowhere.
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: pages (FOR UPDATE SKIP LOCKED), by created_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_shared_conversations(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_deleted integer;
begin
  with old as (
    select o.id
      from public.shared_conversations as o
     where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.shared_conversations as s using old where s.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_shared_conversations from public, anon, authenticated, service_role;
comment on function private.delete_old_shared_conversations is 'Deletes shared pages past their retention';

-- Returns the page of a shared conversation, for anyone who has its link. Nothing in it names the user.
--
-- Concurrency: read-only. Page and messages are of one moment: a change of a message withdraws the page at once, as do a ban and
--   the deletion of the conversation.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'shown' | 'withdrawn' | 'unknown'
--   title?: text | null         (shown, as the others; null: the main conversation)
--   bot_username?: text
--   is_cut?: boolean            (older messages were left out)
--   created_at?: timestamptz
--   messages?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first)
-- Errors: none.
create or replace function public.get_shared_conversation(p_token text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_page public.shared_conversations;
  v_found record;
begin
  select s.* into v_page from public.shared_conversations as s where s.token = p_token;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if v_page.withdrawn_at is not null
    or exists (select from public.users as u where u.id = v_page.user_id and u.banned_at is not null)
  then
    return jsonb_build_object('outcome', 'withdrawn');
  end if;
  v_found := private.shared_messages(v_page);
  if v_found.digest is distinct from v_page.digest then
    return jsonb_build_object('outcome', 'withdrawn');
  end if;
  return jsonb_build_object(
    'outcome', 'shown', 'title', v_page.title, 'bot_username', v_page.bot_username, 'is_cut', v_page.is_cut,
    'created_at', v_page.created_at, 'messages', v_found.messages
  );
end
$$;

revoke all on function public.get_shared_conversation from public, anon, authenticated, service_role;
grant execute on function public.get_shared_conversation to bot_backend;
comment on function public.get_shared_conversation is 'Returns the page of a shared conversation';

-- Lists the conversations of a session, the one used last first, with what the plan allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   most: int                               (named conversations that the plan allows)
--   most_shared: int                        (pages that a user may share; 0: none)
--   shared: int                             (pages of this bot that the user shares)
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
    'most_shared', private.setting('shared_pages')::integer,
    'shared', (
      select count(*)
        from public.shared_conversations as s
       where s.user_id = p_user_id and s.bot = p_bot and s.withdrawn_at is null
    ),
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

-- Lists the pages that a user shares from a bot, the newest first.
--
-- Concurrency: pages whose messages have changed are marked as withdrawn first.
-- Locks: those pages.
-- Returns: jsonb
--   most: int                   (pages that a user may share, over all bots)
--   pages: [ {
--     id: bigint
--     token: text
--     title: text | null
--     messages: int
--     is_cut: boolean
--     created_at: timestamptz
--     open_until: timestamptz
--   } ]
-- Errors: none.
create or replace function public.list_shared_conversations(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.withdraw_changed_pages(p_user_id);
  return jsonb_build_object(
    'most', private.setting('shared_pages')::integer,
    'pages', (
      select coalesce(jsonb_agg(private.shared_page(s) order by s.id desc), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = p_user_id and s.bot = p_bot and s.withdrawn_at is null
    )
  );
end
$$;

revoke all on function public.list_shared_conversations from public, anon, authenticated, service_role;
grant execute on function public.list_shared_conversations to bot_backend;
comment on function public.list_shared_conversations is 'Lists the pages that a user shares';

-- Shares a conversation as a page: its newest messages, p_limit at most and as many as fit whole into p_bytes. Later ones do not
-- appear on it.
--
-- p_id: 0 of the main conversation of the session. p_token: random, of the caller, for a new page. p_reference: the update that
-- asks for it.
--
-- Concurrency: the user's row is locked, so the limit (setting shared_pages) holds. A known reference, and a page with the same
--   messages, return that page.
-- Locks: user (NO KEY UPDATE), pages.
-- Returns: jsonb
--   outcome: 'shared' | 'empty' | 'limit'
--   most?: int                  (limit)
--   page?: {                    (shared)
--     id: bigint
--     token: text
--     title: text | null
--     messages: int
--     is_cut: boolean           (older messages were left out)
--     created_at: timestamptz
--     open_until: timestamptz
--   }
-- Errors: J0001 no such user; J0002 the token is too short, or the reference is another user's.
create or replace function public.share_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_token text, p_bot_username text,
  p_reference text, p_limit integer default 200, p_bytes integer default 150000
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_page public.shared_conversations;
  v_known public.shared_conversations;
  v_conversation public.ai_conversations;
  v_most integer := private.setting('shared_pages')::integer;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(p_token) < 22 then
    raise exception 'a token has 22 characters' using errcode = 'J0002';
  end if;
  select s.* into v_known from public.shared_conversations as s where s.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'shared', 'page', private.shared_page(v_known));
  end if;
  perform private.withdraw_changed_pages(p_user_id);
  select c.* into v_conversation
    from public.ai_conversations as c
   where c.id = p_id
     and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  v_page.user_id := p_user_id;
  v_page.bot := p_bot;
  v_page.chat_id := p_chat_id;
  v_page.thread_id := p_thread;
  v_page.conversation_id := case when v_conversation.is_main then 0 else p_id end;
  with newest as (
    select m.id, row_number() over (order by m.id desc) as position,
      sum(octet_length(m.content)) over (order by m.id desc) as bytes
      from (
        select r.id, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = v_page.conversation_id
         order by r.id desc
         limit p_limit + 1
      ) as m
  )
  select min(n.id) filter (where n.position <= p_limit and n.bytes <= p_bytes),
         max(n.id),
         count(*) filter (where n.position <= p_limit and n.bytes <= p_bytes),
         bool_or(n.position > p_limit or n.bytes > p_bytes)
    into v_page.first_message, v_page.last_message, v_page.message_count, v_page.is_cut
    from newest as n;
  v_page.digest := (private.shared_messages(v_page)).digest;
  if v_page.digest is null then
    return jsonb_build_object('outcome', 'empty');
  end if;
  select s.* into v_known
    from public.shared_conversations as s
   where s.user_id = p_user_id and s.bot = p_bot and s.withdrawn_at is null
     and s.first_message = v_page.first_message and s.digest = v_page.digest;
  if found then
    return jsonb_build_object('outcome', 'shared', 'page', private.shared_page(v_known));
  elsif v_most <= (
    select count(*)
      from public.shared_conversations as s
     where s.user_id = p_user_id and s.withdrawn_at is null
  ) then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  end if;
  insert into public.shared_conversations (
    token, user_id, bot, bot_username, chat_id, thread_id, conversation_id, title, first_message, last_message, message_count,
    digest, is_cut, reference
  )
  values (
    p_token, p_user_id, p_bot, p_bot_username, p_chat_id, p_thread, v_page.conversation_id, v_conversation.name,
    v_page.first_message, v_page.last_message, v_page.message_count, v_page.digest, v_page.is_cut, p_reference
  )
  returning * into v_page;
  return jsonb_build_object('outcome', 'shared', 'page', private.shared_page(v_page));
end
$$;

revoke all on function public.share_conversation from public, anon, authenticated, service_role;
grant execute on function public.share_conversation to bot_backend;
comment on function public.share_conversation is 'Shares a conversation as a page';

-- Returns the messages of a shared page as they are now, and their digest.
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: record: digest (null without messages), messages jsonb [{role, content}] (oldest first), since (when the oldest was
--   written).
-- Errors: none.
create or replace function private.shared_messages(
  p_page public.shared_conversations, out digest bytea, out messages jsonb, out since timestamptz
)
returns record
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    sha256(convert_to(string_agg(m.id || ':' || m.content, E'\n' order by m.id), 'UTF8')),
    coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'content', m.content) order by m.id), '[]'::jsonb),
    min(m.created_at)
    from public.messages as m
   where m.user_id = p_page.user_id and m.bot = p_page.bot and m.chat_id = p_page.chat_id
     and m.thread_id = p_page.thread_id and m.conversation_id = p_page.conversation_id
     and m.id between p_page.first_message and p_page.last_message;
$$;

revoke all on function private.shared_messages from public, anon, authenticated, service_role;
comment on function private.shared_messages is 'Returns the messages of a shared page as they are now';

-- Describes a shared page to the user who shares it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb: id, token, title, messages (how many), is_cut, created_at, open_until (when its oldest message is deleted).
-- Errors: none.
create or replace function private.shared_page(p_page public.shared_conversations)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_page.id, 'token', p_page.token, 'title', p_page.title, 'messages', p_page.message_count,
    'is_cut', p_page.is_cut, 'created_at', p_page.created_at,
    'open_until', coalesce(
      (select m.created_at from public.messages as m where m.id = p_page.first_message), p_page.created_at
    ) + make_interval(days => private.setting('retention_messages_days')::integer)
  );
$$;

revoke all on function private.shared_page from public, anon, authenticated, service_role;
comment on function private.shared_page is 'Describes a shared page to its owner';

-- Marks the shared pages of a user as withdrawn whose messages are no longer what they were. They have not opened since that
-- change; the mark removes them from the list and from the limit.
--
-- Concurrency: the digest decides, so a repetition changes nothing.
-- Locks: the pages.
-- Returns: void
-- Errors: none.
create or replace function private.withdraw_changed_pages(p_user_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.shared_conversations as s
     set withdrawn_at = private.clock(), title = null
   where s.user_id = p_user_id and s.withdrawn_at is null
     and (private.shared_messages(s)).digest is distinct from s.digest;
$$;

revoke all on function private.withdraw_changed_pages from public, anon, authenticated, service_role;
comment on function private.withdraw_changed_pages is 'Marks shared pages whose messages have changed as withdrawn';

-- Withdraws a page that a user shares. Its link then says that it is no longer available.
--
-- Concurrency: a repetition changes nothing.
-- Locks: the page.
-- Returns: jsonb
--   withdrawn: boolean         (false: there is no such page, or it was withdrawn before)
-- Errors: none.
create or replace function public.withdraw_shared_conversation(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.shared_conversations as s
     set withdrawn_at = private.clock(), title = null
   where s.id = p_id and s.user_id = p_user_id and s.withdrawn_at is null;
  return jsonb_build_object('withdrawn', found);
end
$$;

revoke all on function public.withdraw_shared_conversation from public, anon, authenticated, service_role;
grant execute on function public.withdraw_shared_conversation to bot_backend;
comment on function public.withdraw_shared_conversation is 'Withdraws a page that a user shares';

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
    'shared_pages', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'digest', 'reference'] order by s.id), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'memory_proposals', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['id', 'user_id'] order by p.id), '[]'::jsonb)
        from public.ai_memory_proposals as p
       where p.user_id = u.id
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
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
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

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time, and deletes the boards of past days and weeks, and old quizzes, rounds in
-- groups, reviews of conversations, proposed facts and shared pages. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards, quizzes, rounds, reviews, proposals, pages)
-- Errors: none.
create or replace function public.sweep(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'released', private.release_stale_requests(p_limit),
    'updates', private.delete_old_updates(p_limit),
    'messages', private.delete_old_messages(p_limit),
    'erased', private.expire_tombstones(p_limit),
    'subscriptions', private.expire_subscriptions(p_limit),
    'months', private.maintain_usage_partitions(),
    'alarms', private.enqueue_waiting_alarms(p_limit),
    'boards', private.delete_old_boards(p_limit),
    'quizzes', private.delete_old_quiz_runs(p_limit),
    'rounds', private.delete_old_quiz_rounds(p_limit),
    'reviews', private.delete_old_reviews(p_limit),
    'proposals', private.delete_old_proposals(p_limit),
    'pages', private.delete_old_shared_conversations(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "shared_pages", "about": "Conversations that a user may share as pages at once, over all bots; 0: none", "value": 10}') on conflict do nothing;
