-- Memory proposals.

-- squawk-ignore ban-drop-function
drop function public.save_summary(p_id bigint, p_claim uuid, p_summary text, p_until bigint, p_usage jsonb);

-- Facts about users that the AI proposes to keep, found by the job that summarizes conversations. A user decides on each; one that
-- is kept moves to ai_memory.

create table public.ai_memory_proposals (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  content text not null check (length(content) between 1 and 300),
  declined_at timestamptz,
  created_at timestamptz not null default private.clock()
);

create index ai_memory_proposals_user_idx on public.ai_memory_proposals (user_id, bot, id);
-- The sweep deletes old ones.
create index ai_memory_proposals_created_at_idx on public.ai_memory_proposals (created_at);

comment on table public.ai_memory_proposals is 'Facts about users that the AI proposes to keep';
comment on column public.ai_memory_proposals.declined_at is 'When the user declined it; it stays, so that it is not proposed again';
alter table public.ai_memory_proposals enable row level security;
revoke all on table public.ai_memory_proposals from public, anon, authenticated, service_role;
revoke all on sequence public.ai_memory_proposals_id_seq from public, anon, authenticated, service_role;

-- Changes what a bot keeps about a user: switches the memory of all bots on or off, changes a fact, deletes one or all.
--
-- p_is_on: the switch; null leaves it. p_id: a fact; with p_content its new text, without it the fact is deleted; 0: all facts are
-- deleted. With the memory off, the AI's open proposals end; with all facts, its proposals are deleted, declined ones too.
--
-- Concurrency: of two changes at once the last one counts.
-- Locks: user (NO KEY UPDATE where the switch changes), facts, proposals.
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
    if not p_is_on then
      delete from public.ai_memory_proposals as p where p.user_id = p_user_id and p.declined_at is null;
    end if;
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
    if p_id = 0 then
      delete from public.ai_memory_proposals as p where p.user_id = p_user_id and p.bot = p_bot;
    end if;
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

-- Keeps a fact that the AI proposed, or declines it, as its user decided.
--
-- Concurrency: the user's row is locked, so of two decisions at once the first counts; a repeated one is answered the same.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'saved'
--     | 'declined'
--     | 'limit'            (the plan allows no more facts; the proposal stays open)
--     | 'off'              (the memory is off)
--     | 'gone'             (decided otherwise, expired after seven days, or not the user's)
--   fact: text | null      (saved)
--   id: bigint | null      (of the fact: saved)
--   most: int | null       (limit)
-- Errors: J0001 no such user.
create or replace function public.decide_proposal(p_user_id bigint, p_bot text, p_id bigint, p_is_kept boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_proposal public.ai_memory_proposals;
  v_fact public.ai_memory;
  v_saved jsonb;
  v_outcome text;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  end if;
  select p.* into v_proposal
    from public.ai_memory_proposals as p
   where p.id = p_id and p.user_id = p_user_id and p.bot = p_bot;
  select f.* into v_fact
    from public.ai_memory as f
   where f.reference = 'proposal:' || p_id and f.user_id = p_user_id;
  v_outcome := case
    when v_fact.id is not null and p_is_kept then 'saved'
    when v_proposal.declined_at is not null and not p_is_kept then 'declined'
    when v_proposal.id is null or v_proposal.declined_at is not null
      or v_proposal.created_at <= private.clock() - interval '7 days' then 'gone'
    when not p_is_kept then 'declined'
  end;
  if v_outcome is null then
    v_saved := public.remember_fact(p_user_id, p_bot, v_proposal.content, 'proposal:' || p_id);
    v_outcome := v_saved ->> 'outcome';
    if v_outcome = 'saved' then
      delete from public.ai_memory_proposals as p where p.id = p_id;
      select f.* into v_fact from public.ai_memory as f where f.id = (v_saved ->> 'id')::bigint;
    end if;
  elsif v_outcome = 'declined' then
    update public.ai_memory_proposals as p
       set declined_at = coalesce(p.declined_at, private.clock())
     where p.id = p_id;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'fact', case when v_outcome = 'saved' then v_fact.content end,
    'id', case when v_outcome = 'saved' then v_fact.id end,
    'most', (v_saved ->> 'most')::integer
  );
end
$$;

revoke all on function public.decide_proposal from public, anon, authenticated, service_role;
grant execute on function public.decide_proposal to bot_backend;
comment on function public.decide_proposal is 'Keeps a fact that the AI proposed, or declines it';

-- Deletes facts that the AI proposed to keep, declined and undecided ones, as old as messages are deleted
-- (retention_messages_days).
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: proposals (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many; at most p_limit.
-- Errors: none.
create or replace function private.delete_old_proposals(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_deleted integer;
begin
  with old as (
    select o.id
      from public.ai_memory_proposals as o
     where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.ai_memory_proposals as p using old where p.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_proposals from public, anon, authenticated, service_role;
comment on function private.delete_old_proposals is 'Deletes proposed facts past their retention';

-- Returns what must not be proposed to keep about a user in a bot: the newest 100 facts, and the newest 100 proposals, whatever
-- the user decided on them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: setof text
-- Errors: none.
create or replace function private.known_facts(p_user_id bigint, p_bot text)
returns setof text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  (
    select f.content
      from public.ai_memory as f
     where f.user_id = p_user_id and f.bot = p_bot
     order by f.id desc
     limit 100
  )
  union all
  (
    select p.content
      from public.ai_memory_proposals as p
     where p.user_id = p_user_id and p.bot = p_bot
     order by p.id desc
     limit 100
  );
$$;

revoke all on function private.known_facts from public, anon, authenticated, service_role;
comment on function private.known_facts is 'Returns what must not be proposed to keep about a user';

-- Lists the facts that a bot keeps about a user, the oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   is_on: boolean | null                   (null: the user has not decided; the first fact switches it on)
--   most: int                               (facts that the plan allows)
--   facts: [ { id: bigint, content: text } ]
--   proposals: [ { id: bigint, content: text } ]   (of the AI, undecided)
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
    ),
    'proposals', (
      select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'content', p.content) order by p.id), '[]'::jsonb)
        from private.open_proposals(p_user_id, p_bot) as p
    )
  );
end
$$;

revoke all on function public.list_memory from public, anon, authenticated, service_role;
grant execute on function public.list_memory to bot_backend;
comment on function public.list_memory is 'Lists the facts that a bot keeps about a user';

-- Returns the facts that the AI proposed to keep about a user in a bot, and that the user can still decide on: for seven days.
--
-- Concurrency: read-only, over ai_memory_proposals_user_idx.
-- Locks: none.
-- Returns: setof public.ai_memory_proposals, the oldest first.
-- Errors: none.
create or replace function private.open_proposals(p_user_id bigint, p_bot text)
returns setof public.ai_memory_proposals
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p.*
    from public.ai_memory_proposals as p
   where p.user_id = p_user_id and p.bot = p_bot and p.declined_at is null
     and p.created_at > private.clock() - interval '7 days'
   order by p.id;
$$;

revoke all on function private.open_proposals from public, anon, authenticated, service_role;
comment on function private.open_proposals is 'Returns the proposed facts that a user can still decide on';

-- Returns how many facts the AI may propose to keep about a user now: 0 unless the user's memory is on; at most 2 at once, 3 a day
-- in all bots, 3 undecided, and as many as the plan's memory has room for.
--
-- Concurrency: read-only; a caller that inserts has locked the user.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.proposals_left(p_user_id bigint, p_bot text)
returns integer
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
begin
  if not exists (
    select from public.users as u where u.id = p_user_id and u.memory_enabled and u.is_active and u.banned_at is null
  ) then
    return 0;
  end if;
  return greatest(0, least(
    2,
    3 - (
      select count(*)
        from public.ai_memory_proposals as p
       where p.user_id = p_user_id and p.created_at > v_now - interval '1 day'
    ),
    3 - (select count(*) from private.open_proposals(p_user_id, p_bot)),
    (private.conversation_limits(p_user_id)).memory_facts
      - (select count(*) from public.ai_memory as f where f.user_id = p_user_id and f.bot = p_bot)
  ))::integer;
end
$$;

revoke all on function private.proposals_left from public, anon, authenticated, service_role;
comment on function private.proposals_left is 'Returns how many facts the AI may propose to keep about a user now';

-- Stores facts that the AI proposes to keep about a user and enqueues a question about each, as many as private.proposals_left
-- allows. What is known or was proposed before is left out: letters and digits are compared.
--
-- p_facts: a list of texts of up to 300 characters; null as an empty one.
--
-- Concurrency: the caller has locked the user (NO KEY UPDATE), so the limits hold.
-- Locks: none.
-- Returns: jsonb, outgoing.
-- Errors: none.
create or replace function private.propose_facts(p_user_id bigint, p_bot text, p_facts jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left integer;
  v_fact text;
  v_id bigint;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if coalesce(jsonb_array_length(p_facts), 0) = 0 then
    return v_outgoing;
  end if;
  v_left := private.proposals_left(p_user_id, p_bot);
  for v_fact in
    select f.content from jsonb_array_elements_text(p_facts) with ordinality as f (content, position) order by f.position
  loop
    exit when v_left <= 0;
    continue when length(v_fact) not between 1 and 300 or exists (
      select
        from private.known_facts(p_user_id, p_bot) as k (content)
       where lower(regexp_replace(k.content, '[^[:alnum:]]+', '', 'g'))
         = lower(regexp_replace(v_fact, '[^[:alnum:]]+', '', 'g'))
    );
    insert into public.ai_memory_proposals (user_id, bot, content) values (p_user_id, p_bot, v_fact) returning id into v_id;
    v_left := v_left - 1;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      p_user_id, p_bot, 'memory_proposal', jsonb_build_object('fact', v_fact),
      jsonb_build_array(
        jsonb_build_array(
          jsonb_build_object('key', 'memory_keep', 'data', 'memory:keep:' || v_id),
          jsonb_build_object('key', 'memory_decline', 'data', 'memory:decline:' || v_id)
        )
      )
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.propose_facts from public, anon, authenticated, service_role;
comment on function private.propose_facts is 'Stores facts that the AI proposes to keep and asks the user about each';

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
-- groups, reviews of conversations and proposed facts. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards, quizzes, rounds, reviews, proposals)
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
    'proposals', private.delete_old_proposals(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';
