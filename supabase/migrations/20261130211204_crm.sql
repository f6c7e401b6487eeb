-- Crm.


-- Cards of leads: what the team and the AI know about a conversation of the messenger as a sale. A card begins with the first
-- qualification or the first change by the team. Name, background, request and score stand in conversations (ai_…).
--
-- Qualification by the AI:  due ─▶ claimed (claim, claimed_until) ─▶ saved | failed (again after ten minutes)

create table public.crm_cards (
  conversation_id bigint primary key references public.conversations (id) on delete cascade,
  stage text not null default 'new',
  stage_since timestamptz not null default private.clock(),
  evidence jsonb not null default '{}',
  signals jsonb not null default '[]',
  language text,
  locked text[] not null default '{}',
  next_action text,
  next_action_at timestamptz,
  next_action_by bigint references public.users (id) on delete set null,
  reminded_at timestamptz,
  qualified_seq bigint not null default 0,
  qualified_at timestamptz,
  run_at timestamptz,
  runs_day date,
  runs integer not null default 0,
  claim uuid,
  claimed_seq bigint,
  claimed_until timestamptz,
  claimed_cost numeric(14, 8),
  version integer not null default 1,
  created_at timestamptz not null default private.clock(),
  check (locked <@ array['real_name', 'background', 'query', 'ready_score'])
);

create index crm_cards_stage_idx on public.crm_cards (stage);
create index crm_cards_next_action_by_idx on public.crm_cards (next_action_by);
create index crm_cards_due_idx on public.crm_cards (next_action_at) where next_action_at is not null and reminded_at is null;

comment on table public.crm_cards is 'Cards of leads: what the team and the AI know about a conversation as a sale';
comment on column public.crm_cards.stage is 'One of the setting crm_stages; a stage that was removed from it stays';
comment on column public.crm_cards.evidence is 'For each field that the AI filled in: {quote, message_id} of the user''s message that says so';
comment on column public.crm_cards.signals is 'Signs of readiness: [{kind, quote, message_id}], the quotes verbatim from messages of the user';
comment on column public.crm_cards.language is 'Language of the user''s messages, as the AI reads it';
comment on column public.crm_cards.locked is 'Fields that a member of the team typed; the AI leaves them alone';
comment on column public.crm_cards.next_action_by is 'Who is reminded of the next action';
comment on column public.crm_cards.reminded_at is 'When the reminder was sent';
comment on column public.crm_cards.qualified_seq is 'Number of the newest message that a qualification has read';
comment on column public.crm_cards.run_at is 'Start of the last qualification, failed ones included';
comment on column public.crm_cards.runs is 'Qualifications on runs_day';
comment on column public.crm_cards.claimed_cost is 'US dollars that the run in progress takes from the day''s budget, until its cost is known';
comment on column public.crm_cards.version is 'Number of changes by the team: a form of an older version is refused';
alter table public.crm_cards enable row level security;
revoke all on table public.crm_cards from public, anon, authenticated, service_role;

-- Links by which users come from an advertisement: t.me/<bot>?start=ad_<key>. Their counters stay when a user is erased; the audit
-- log knows who made them.

create table public.ad_links (
  id bigint generated always as identity primary key,
  key text not null unique,
  name text not null,
  visits integer not null default 0,
  new_users integer not null default 0,
  archived_at timestamptz,
  created_at timestamptz not null default private.clock(),
  check (key ~ '^[A-Za-z0-9_-]{2,24}$')
);

comment on table public.ad_links is 'Links by which users come from an advertisement';
comment on column public.ad_links.visits is 'Users who opened it, each counted once';
comment on column public.ad_links.new_users is 'Those of them whom no bot knew before';
comment on column public.ad_links.archived_at is 'Since when the list hides it; it still counts';
alter table public.ad_links enable row level security;
revoke all on table public.ad_links from public, anon, authenticated, service_role;
revoke all on sequence public.ad_links_id_seq from public, anon, authenticated, service_role;

-- Which users opened which link of an advertisement. The first link that a new user opened is their source.

create table public.ad_link_visits (
  link_id bigint not null references public.ad_links (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  is_source boolean not null,
  created_at timestamptz not null default private.clock(),
  primary key (link_id, user_id)
);

create index ad_link_visits_user_idx on public.ad_link_visits (user_id);
create unique index ad_link_visits_source_idx on public.ad_link_visits (user_id) where is_source;

comment on table public.ad_link_visits is 'Which users opened which link of an advertisement';
comment on column public.ad_link_visits.is_source is 'It brought the user; one for each user at most';
alter table public.ad_link_visits enable row level security;
revoke all on table public.ad_link_visits from public, anon, authenticated, service_role;

-- What qualifications cost per bot and day, of the time zone of quotas (setting qualification_daily_cost).

create table public.qualification_days (
  bot text not null,
  day date not null,
  runs integer not null,
  cost numeric(14, 8) not null,
  primary key (bot, day)
);

comment on table public.qualification_days is 'What qualifications cost per bot and day';
comment on column public.qualification_days.cost is 'US dollars; runs in progress, and those that were cut off, count with the most that they may cost';
alter table public.qualification_days enable row level security;
revoke all on table public.qualification_days from public, anon, authenticated, service_role;

-- Collects a user's conversations with the team: their messages, answers and earlier texts, and what the AI concluded from them.
-- Notes and next actions, which the team writes for itself, are left out. Of a member of the staff also their drafts, and what they
-- read and have open.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.messenger_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'conversations', (
      select coalesce(
          jsonb_agg(to_jsonb(c) - array['user_id', 'connection', 'assignee_id', 'takeovers', 'changed_xid'] order by c.id),
          '[]'::jsonb
        )
        from public.conversations as c
       where c.user_id = p_user_id
    ),
    'messages', (
      select coalesce(
          jsonb_agg(
            to_jsonb(m)
              - array['user_id', 'admin_id', 'version', 'reference', 'outbox_id', 'lease', 'lease_until']
            order by m.conversation_id, m.seq
          ),
          '[]'::jsonb
        )
        from public.conversations as c
        join public.conversation_messages as m on m.conversation_id = c.id
       where c.user_id = p_user_id and m.kind <> 'note'
    ),
    'cards', (
      select coalesce(
          jsonb_agg(
            to_jsonb(k)
              - array['next_action', 'next_action_by', 'reminded_at', 'claim', 'claimed_seq', 'claimed_until', 'claimed_cost', 'version']
            order by k.conversation_id
          ),
          '[]'::jsonb
        )
        from public.conversations as c
        join public.crm_cards as k on k.conversation_id = c.id
       where c.user_id = p_user_id
    ),
    'ad_links', (
      select coalesce(jsonb_agg(to_jsonb(v) - 'user_id' order by v.created_at, v.link_id), '[]'::jsonb)
        from public.ad_link_visits as v
       where v.user_id = p_user_id
    ),
    'revisions', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.id), '[]'::jsonb)
        from public.conversations as c
        join public.conversation_messages as m on m.conversation_id = c.id
        join public.conversation_message_revisions as r on r.message_id = m.id
       where c.user_id = p_user_id and m.kind <> 'note'
    ),
    'labels', (
      select coalesce(jsonb_agg(to_jsonb(k) order by k.conversation_id, k.label_id), '[]'::jsonb)
        from public.conversations as c
        join public.conversation_labels as k on k.conversation_id = c.id
       where c.user_id = p_user_id
    ),
    'drafts', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'operator_id' order by d.conversation_id), '[]'::jsonb)
        from public.conversation_drafts as d
       where d.operator_id = p_user_id
    ),
    'read', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'operator_id' order by r.conversation_id), '[]'::jsonb)
        from public.conversation_reads as r
       where r.operator_id = p_user_id
    ),
    'open', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'operator_id' order by p.conversation_id), '[]'::jsonb)
        from public.conversation_presence as p
       where p.operator_id = p_user_id
    )
  );
$$;

revoke all on function private.messenger_section from public, anon, authenticated, service_role;
comment on function private.messenger_section is 'Collects a user''s conversations with the team';

-- Archives the link of an advertisement, or takes it back. It works and counts either way.
--
-- Concurrency: sets a state.
-- Locks: the link.
-- Returns: jsonb
--   found: boolean
-- Errors: N0009 the user's role does not allow it.
create or replace function public.archive_ad_link(p_actor_id bigint, p_link_id bigint, p_is_archived boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_key text;
begin
  update public.ad_links as l
     set archived_at = case when p_is_archived then coalesce(l.archived_at, private.clock()) end
   where l.id = p_link_id
  returning l.key into v_key;
  if not found then
    return jsonb_build_object('found', false);
  end if;
  perform private.write_audit(
    v_account, 'archive_ad_link', null, null, '{}', jsonb_build_object('key', v_key, 'is_archived', p_is_archived)
  );
  return jsonb_build_object('found', true);
end
$$;

revoke all on function public.archive_ad_link from public, anon, authenticated, service_role;
grant execute on function public.archive_ad_link to bot_backend;
comment on function public.archive_ad_link is 'Archives the link of an advertisement';

-- Claims the conversation that waits longest for a qualification by the AI (setting qualification). A user has five a day over
-- all bots, ten minutes apart; a bot has the budget of a day (setting qualification_daily_cost). Users who are banned or
-- pay for the AI with a key of their own are left out, and so are chats with the owner's own account.
--
-- p_cost: US dollars that the run may cost at most; the budget holds them until public.save_qualification. p_seconds: of the lease.
--
-- Concurrency: two runs claim different users, because the user is locked and skipped. A claim that is not saved in time
--   is free again, and its cost stays counted.
-- Locks: user (NO KEY UPDATE, SKIP LOCKED), card, the bot's row of qualification_days.
-- Returns: jsonb
--   {
--     id: bigint                            (of the conversation)
--     claim: uuid
--     bot: text
--     known: { real_name: text | null, background: text | null, query: text | null }    (what the AI wrote itself)
--     messages: [ { id: bigint, source: 'user' | 'ai', body: text } ]                   (oldest first, at most 20)
--     signals: [ { kind: text, quote: text, message_id: bigint } ]                      (of earlier runs)
--     has_ordered: boolean                  (opened a checkout in the last 90 days)
--     has_paid: boolean
--   } | null
-- Errors: none.
create or replace function public.claim_qualification(p_cost numeric, p_seconds integer default 60)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_today constant date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_spent text[] := '{}';
  v_budget numeric;
  v_found record;
  v_card public.crm_cards;
begin
  if not private.setting('qualification')::boolean then
    return null;
  end if;
  for v_found in
    select c.*, coalesce(k.qualified_seq, 0) as seen, coalesce(k.locked, '{}') as locked
      from public.conversations as c
      left join public.crm_cards as k on k.conversation_id = c.id
     where c.last_message_at > v_now - interval '1 day' and c.connection = ''
       and c.last_in_seq > coalesce(k.qualified_seq, 0)
       and coalesce(k.run_at <= v_now - interval '10 minutes', true)
       and coalesce(k.claimed_until <= v_now, true)
     order by c.last_message_at, c.id
  loop
    continue when v_found.bot = any (v_spent)
      or not private.is_qualification_due(v_found.id, v_found.seen, v_now)
      or exists (select from public.user_tokens as t where t.user_id = v_found.user_id and t.is_active);
    perform from public.users as u where u.id = v_found.user_id and u.banned_at is null for no key update skip locked;
    continue when not found;
    -- Under the user's lock: another run may have claimed this or another conversation of the user meanwhile.
    continue when exists (
      select
        from public.conversations as c
        join public.crm_cards as k on k.conversation_id = c.id
       where c.user_id = v_found.user_id
      having max(k.run_at) > v_now - interval '10 minutes' or sum(k.runs) filter (where k.runs_day = v_today) >= 5
    );
    v_budget := coalesce(
      private.setting('qualification_daily_cost:' || v_found.bot), private.setting('qualification_daily_cost')
    )::numeric;
    insert into public.qualification_days as d (bot, day, runs, cost)
    select v_found.bot, v_today, 1, p_cost
     where p_cost <= v_budget
    on conflict (bot, day) do update
      set runs = d.runs + 1, cost = d.cost + excluded.cost
      where d.cost + excluded.cost <= v_budget;
    if not found then
      v_spent := v_spent || v_found.bot;
      continue;
    end if;
    insert into public.crm_cards as k (
      conversation_id, stage, run_at, runs_day, runs, claim, claimed_seq, claimed_until, claimed_cost
    )
    values (
      v_found.id, private.setting('crm_stages')::jsonb ->> 0, v_now, v_today, 1, gen_random_uuid(), v_found.last_in_seq,
      v_now + make_interval(secs => p_seconds), p_cost
    )
    on conflict (conversation_id) do update
      set run_at = excluded.run_at,
          runs = case when k.runs_day = excluded.runs_day then k.runs else 0 end + 1,
          runs_day = excluded.runs_day,
          claim = excluded.claim,
          claimed_seq = excluded.claimed_seq,
          claimed_until = excluded.claimed_until,
          claimed_cost = excluded.claimed_cost
    returning k.* into v_card;
    return jsonb_build_object(
      'id', v_found.id, 'claim', v_card.claim, 'bot', v_found.bot,
      -- What a member of the team typed is no material for the AI.
      'known', jsonb_build_object(
        'real_name', case when not 'real_name' = any (v_found.locked) then v_found.ai_real_name end,
        'background', case when not 'background' = any (v_found.locked) then v_found.ai_background end,
        'query', case when not 'query' = any (v_found.locked) then v_found.ai_query end
      ),
      'messages', (
        select coalesce(
            jsonb_agg(jsonb_build_object('id', m.id, 'source', m.source, 'body', left(m.body, 2000)) order by m.seq), '[]'::jsonb
          )
          from private.qualification_messages(v_found.id, 20) as m
      ),
      'signals', v_card.signals,
      'has_ordered', exists (
        select
          from public.orders as o
         where o.user_id = v_found.user_id and o.renewal_id is null and o.created_at > v_now - interval '90 days'
      ),
      'has_paid', exists (
        select from public.orders as o where o.user_id = v_found.user_id and o.status = 'completed'
      )
    );
  end loop;
  return null;
end
$$;

revoke all on function public.claim_qualification from public, anon, authenticated, service_role;
grant execute on function public.claim_qualification to bot_backend;
comment on function public.claim_qualification is 'Claims a conversation for a qualification by the AI';

-- Creates the link of an advertisement. Without p_key it gets a short one of its own.
--
-- Concurrency: the key is unique; a form that is sent twice finds its link.
-- Locks: none but the new row.
-- Returns: jsonb
--   outcome: 'created' | 'known' | 'taken'
--   key: text
-- Errors: N0009 the user's role does not allow it.
create or replace function public.create_ad_link(p_actor_id bigint, p_name text, p_key text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_reference constant text := format('ad_link:%s:%s', p_actor_id, p_reference);
  v_key text := coalesce(nullif(p_key, ''), substr(md5(v_reference), 1, 6));
  v_before jsonb;
begin
  select l.after into v_before from public.audit_log as l where l.reference = v_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'key', v_before ->> 'key');
  end if;
  insert into public.ad_links (key, name) values (v_key, left(p_name, 100)) on conflict (key) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'taken', 'key', v_key);
  end if;
  perform private.write_audit(
    v_account, 'create_ad_link', null, v_reference, '{}', jsonb_build_object('key', v_key, 'name', left(p_name, 100))
  );
  return jsonb_build_object('outcome', 'created', 'key', v_key);
end
$$;

revoke all on function public.create_ad_link from public, anon, authenticated, service_role;
grant execute on function public.create_ad_link to bot_backend;
comment on function public.create_ad_link is 'Creates the link of an advertisement';

-- Returns the board of leads: a column for each stage or band, each with its newest leads, those with the highest score first.
--
-- p_group: stage or band. p_filters {stage, band, bot, search, link, mine, due}: what is missing or null does not filter.
-- search is a part of a name, of the request, or of @username, or a Telegram ID; link: id of the ad that brought the user; mine:
-- the actor is reminded of the next action; due: its time has come.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   stages: [text]                   (of the setting crm_stages)
--   bots: [text]
--   links: [ { id: bigint, name: text } ]
--   columns: [ { key: text, total: int, leads: [ private.lead_row ] } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.crm_board(
  p_actor_id bigint, p_group text default 'stage', p_filters jsonb default '{}', p_limit integer default 30
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stages jsonb := private.setting('crm_stages')::jsonb;
  v_search text := lower(ltrim(p_filters ->> 'search', '@'));
  v_columns jsonb := '[]'::jsonb;
begin
  perform private.require_staff(p_actor_id, 'operator');
  with leads as (
    select c as conversation, k as card,
           case when p_group = 'band' then coalesce(private.ready_band(c.ai_ready_score), '') else k.stage end as key,
           row_number() over (
             partition by case when p_group = 'band' then coalesce(private.ready_band(c.ai_ready_score), '') else k.stage end
             order by c.ai_ready_score desc nulls last, c.last_message_at desc, c.id
           ) as place,
           count(*) over (
             partition by case when p_group = 'band' then coalesce(private.ready_band(c.ai_ready_score), '') else k.stage end
           ) as total
      from public.crm_cards as k
      join public.conversations as c on c.id = k.conversation_id
      join public.users as u on u.id = c.user_id
     where (p_filters ->> 'stage' is null or k.stage = p_filters ->> 'stage')
       and (p_filters ->> 'band' is null or private.ready_band(c.ai_ready_score) = p_filters ->> 'band')
       and (p_filters ->> 'bot' is null or c.bot = p_filters ->> 'bot')
       and (p_filters ->> 'mine' is null or k.next_action_by = p_actor_id)
       and (p_filters ->> 'due' is null or k.next_action_at <= private.clock())
       and (
         p_filters ->> 'link' is null
         or exists (
           select
             from public.ad_link_visits as v
            where v.user_id = u.id and v.is_source and v.link_id = (p_filters ->> 'link')::bigint
         )
       )
       and (
         coalesce(v_search, '') = ''
         or strpos(lower(concat_ws(' ', c.ai_real_name, c.ai_query, u.first_name, u.last_name, u.username)), v_search) > 0
         or u.telegram_id::text = v_search
       )
  )
  select coalesce(jsonb_agg(jsonb_build_object('key', g.key, 'total', g.total, 'leads', g.leads) order by g.key), '[]'::jsonb)
    into v_columns
    from (
      select l.key, max(l.total) as total,
             jsonb_agg(private.lead_row(l.conversation, l.card) order by l.place)
               filter (where l.place <= least(greatest(p_limit, 1), 200)) as leads
        from leads as l
       group by l.key
    ) as g;
  return jsonb_build_object(
    'stages', v_stages,
    'bots', (
      select coalesce(jsonb_agg(distinct c.bot order by c.bot), '[]'::jsonb)
        from public.crm_cards as k
        join public.conversations as c on c.id = k.conversation_id
    ),
    'links', (
      select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name) order by l.name, l.id), '[]'::jsonb)
        from public.ad_links as l
       where l.archived_at is null
    ),
    'columns', v_columns
  );
end
$$;

revoke all on function public.crm_board from public, anon, authenticated, service_role;
grant execute on function public.crm_board to bot_backend;
comment on function public.crm_board is 'Returns the board of leads';

-- Returns a lead with everything that the team knows about it: fields with their quotes, signs, next action, and the notes of all
-- conversations of the user, merged by time. A conversation without a card has one with its first change. The view is audited.
--
-- Concurrency: reads; the audit entry is written once an hour.
-- Locks: none but the new audit entry.
-- Returns: jsonb
--   {
--     id: bigint
--     version: int                   (0: no card yet)
--     bot: text
--     user: { id: bigint, telegram_id: bigint, name: text, username: text | null, plan: text, balance: text, created_at: text }
--     real_name: text | null
--     background: text | null
--     query: text | null
--     ready_score: int | null
--     locked: [text]
--     evidence: jsonb                (by field: {quote, message_id})
--     signals: [ { kind: text, quote: text, message_id: bigint } ]
--     has_ordered: boolean
--     stages: [text]
--     stage: text
--     stage_since: text | null
--     next_action: text | null
--     next_action_at: text | null
--     next_action_by: text | null    (account)
--     qualified_at: text | null
--     source: text | null
--     notes: [ { bot: text, body: text, by: text | null, created_at: text } ]     (the newest 50, newest first)
--   } | null
-- Errors: N0009 the user's role does not allow it.
create or replace function public.crm_card(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_conversation public.conversations;
  v_card public.crm_cards;
  v_user public.users;
begin
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id;
  if not found then
    return null;
  end if;
  select k.* into v_card from public.crm_cards as k where k.conversation_id = p_conversation_id;
  select u.* into v_user from public.users as u where u.id = v_conversation.user_id;
  perform private.audit_reading(v_account, 'read_lead', p_conversation_id::text, v_user.id);
  return jsonb_build_object(
    'id', v_conversation.id, 'version', coalesce(v_card.version, 0), 'bot', v_conversation.bot,
    'user', jsonb_build_object(
      'id', v_user.id, 'telegram_id', v_user.telegram_id,
      'name', coalesce(nullif(trim(concat_ws(' ', v_user.first_name, v_user.last_name)), ''), v_user.telegram_id::text),
      'username', v_user.username, 'plan', private.plan_of(v_user.id) ->> 'plan', 'balance', v_user.balance::text, 'created_at', v_user.created_at
    ),
    'real_name', v_conversation.ai_real_name, 'background', v_conversation.ai_background, 'query', v_conversation.ai_query,
    'ready_score', v_conversation.ai_ready_score,
    'locked', to_jsonb(coalesce(v_card.locked, '{}')), 'evidence', coalesce(v_card.evidence, '{}'),
    'signals', coalesce(v_card.signals, '[]'::jsonb),
    'has_ordered', exists (
      select
        from public.orders as o
       where o.user_id = v_user.id
         and (o.status = 'completed' or (o.renewal_id is null and o.created_at > private.clock() - interval '90 days'))
    ),
    'stages', private.setting('crm_stages')::jsonb,
    'stage', coalesce(v_card.stage, private.setting('crm_stages')::jsonb ->> 0), 'stage_since', v_card.stage_since,
    'next_action', v_card.next_action, 'next_action_at', v_card.next_action_at,
    'next_action_by', private.account_name(v_card.next_action_by), 'qualified_at', v_card.qualified_at,
    'source', (
      select l.name
        from public.ad_link_visits as v
        join public.ad_links as l on l.id = v.link_id
       where v.user_id = v_user.id and v.is_source
    ),
    'notes', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'bot', n.bot, 'body', n.body, 'by', private.account_name(n.admin_id), 'created_at', n.created_at
            )
            order by n.created_at desc, n.id desc
          ),
          '[]'::jsonb
        )
        from (
          select m.id, c.bot, m.body, m.admin_id, m.created_at
            from public.conversations as c
            join public.conversation_messages as m on m.conversation_id = c.id
           where c.user_id = v_user.id and m.kind = 'note' and m.deleted_at is null
           order by m.created_at desc, m.id desc
           limit 50
        ) as n
    )
  );
end
$$;

revoke all on function public.crm_card from public, anon, authenticated, service_role;
grant execute on function public.crm_card to bot_backend;
comment on function public.crm_card is 'Returns a lead with everything that the team knows about it';

-- Enqueues reminders of next actions whose time has come, to the members of the team who set them. Those who left the team get
-- none.
--
-- p_site: address of the console, for the button; null: without one.
--
-- Concurrency: a card is locked, skipped by other runs, and marked in the transaction that enqueues its reminder.
-- Locks: cards (FOR UPDATE SKIP LOCKED), by next_action_at.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_due_actions(p_site text default null, p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select k.conversation_id, k.next_action, k.next_action_by
      from public.crm_cards as k
     where k.next_action_at <= v_now and k.reminded_at is null
     order by k.next_action_at, k.conversation_id
     limit p_limit
       for update skip locked
  loop
    update public.crm_cards as k set reminded_at = v_now where k.conversation_id = v_due.conversation_id;
    continue when not private.role_includes(private.staff_role(v_due.next_action_by), 'operator');
    v_outgoing := v_outgoing || private.notify_user(
      v_due.next_action_by, 'crm_action_due',
      (
        select jsonb_build_object(
            'name', coalesce(
              c.ai_real_name, nullif(trim(concat_ws(' ', u.first_name, u.last_name)), ''), u.telegram_id::text
            ),
            'action', coalesce(v_due.next_action, '—')
          )
          from public.conversations as c
          join public.users as u on u.id = c.user_id
         where c.id = v_due.conversation_id
      ),
      case
        when p_site is not null then jsonb_build_array(jsonb_build_array(
          jsonb_build_object('key', 'crm_action_open', 'url', p_site || '/crm/' || v_due.conversation_id)
        ))
      end
    );
  end loop;
  return jsonb_build_object('outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_due_actions from public, anon, authenticated, service_role;
grant execute on function public.enqueue_due_actions to bot_backend;
comment on function public.enqueue_due_actions is 'Enqueues reminders of next actions whose time has come';

-- Returns leads for an export, in parts by the conversation's id. It is audited once an hour.
--
-- Concurrency: each part is of its own moment.
-- Locks: none but the new audit entry.
-- Returns: jsonb
--   rows: [ private.lead_row ]
--   next: bigint | null              (p_after of the next part; null: this is the last one)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.export_leads(p_actor_id bigint, p_after bigint default 0, p_limit integer default 500)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_rows jsonb := '[]'::jsonb;
begin
  perform private.audit_reading(v_account, 'export_leads', 'all');
  select coalesce(jsonb_agg(private.lead_row(r.conversation, r.card) order by r.id), '[]'::jsonb)
    into v_rows
    from (
      select k.conversation_id as id, c as conversation, k as card
        from public.crm_cards as k
        join public.conversations as c on c.id = k.conversation_id
       where k.conversation_id > p_after
       order by k.conversation_id
       limit least(greatest(p_limit, 1), 1000)
    ) as r;
  return jsonb_build_object(
    'rows', v_rows,
    'next', case
      when jsonb_array_length(v_rows) = least(greatest(p_limit, 1), 1000) then (v_rows -> -1 ->> 'id')::bigint
    end
  );
end
$$;

revoke all on function public.export_leads from public, anon, authenticated, service_role;
grant execute on function public.export_leads to bot_backend;
comment on function public.export_leads is 'Returns leads for an export';

-- Returns whether a message asks how to pay or says that its user wants to buy, in Russian or English: then a qualification
-- does not wait. Only a hint of when to look; it moves no score.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_payment_intent(p_text text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- No \w: in the C locale it knows no Cyrillic letters.
  select left(p_text, 1000) ~ (
    '([Кк]ак|[Кк]уда|[Гг]де|[Мм]ожно|[Хх]оч[ую]|[Хх]отим|[Гг]отов[аы]?|[Бб]уду)\s+(\S+\s+){0,2}(оплат|плат|куп|заказ|оформ)'
    || '|([Вв]ыстав|[Пп]ришли|[Сс]кинь|[Дд]ай)\S*\s+(\S+\s+){0,2}(сч[её]т|реквизит|ссылку на оплату)'
    || '|[Hh]ow\s+(\S+\s+){0,3}(pay|buy|order|purchase)'
    || '|([Rr]eady|[Ww]ant|like|going)\s+to\s+(pay|buy|order|purchase)'
    || '|([Ss]end|[Gg]ive)\s+(\S+\s+){0,2}(invoice|payment link)'
  );
$$;

revoke all on function private.has_payment_intent from public, anon, authenticated, service_role;
comment on function private.has_payment_intent is 'Returns whether a message asks how to pay';

-- Returns whether a conversation is due for a qualification: three messages of the user since the last one and 90 seconds of
-- silence, or at once when a new message shows that the user wants to pay.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_qualification_due(p_conversation_id bigint, p_seen bigint, p_now timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
        bool_or(private.has_payment_intent(m.body))
        or (count(*) >= 3 and max(m.created_at) <= p_now - interval '90 seconds'),
        false
      )
      from private.qualification_messages(p_conversation_id, 20) as m
     where m.source = 'user' and m.seq > p_seen
  );
end
$$;

revoke all on function private.is_qualification_due from public, anon, authenticated, service_role;
comment on function private.is_qualification_due is 'Returns whether a conversation is due for a qualification';

-- Returns a lead as the board shows it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint                       (of the conversation)
--   bot: text
--   name: text                       (as the user names themselves, else as Telegram does)
--   username: text | null
--   query: text | null
--   score: int | null
--   stage: text
--   next_action: text | null
--   next_action_at: text | null
--   last_message_at: text
--   source: text | null              (name of the ad that brought the user)
-- Errors: none.
create or replace function private.lead_row(p_conversation public.conversations, p_card public.crm_cards)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_conversation.id, 'bot', p_conversation.bot,
      'name', coalesce(
        p_conversation.ai_real_name, nullif(trim(concat_ws(' ', u.first_name, u.last_name)), ''), u.telegram_id::text
      ),
      'username', u.username, 'query', p_conversation.ai_query, 'score', p_conversation.ai_ready_score,
      'stage', p_card.stage, 'next_action', p_card.next_action, 'next_action_at', p_card.next_action_at,
      'last_message_at', p_conversation.last_message_at,
      'source', (
        select l.name
          from public.ad_link_visits as v
          join public.ad_links as l on l.id = v.link_id
         where v.user_id = u.id and v.is_source
      )
    )
    from public.users as u
   where u.id = p_conversation.user_id;
$$;

revoke all on function private.lead_row from public, anon, authenticated, service_role;
comment on function private.lead_row is 'Returns a lead as the board shows it';

-- Lists links of advertisements with what they brought: users, those who paid, and their payments in each currency, less refunds.
-- Users who were erased stay in the counters, and their payments no longer count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     key: text
--     name: text
--     visits: int
--     new_users: int
--     buyers: int
--     revenue: [ { currency: text, amount: text } ]
--     is_archived: boolean
--     created_at: text
--   } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_ad_links(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', l.id, 'key', l.key, 'name', l.name, 'visits', l.visits, 'new_users', l.new_users,
            'buyers', (
              select count(distinct p.user_id)
                from public.ad_link_visits as v
                join public.payments as p on p.user_id = v.user_id
               where v.link_id = l.id and v.is_source and p.status = 'completed' and not p.is_test
            ),
            'revenue', (
              select coalesce(jsonb_agg(jsonb_build_object('currency', r.currency, 'amount', r.amount::text) order by r.currency), '[]'::jsonb)
                from (
                  select p.currency, sum(p.amount - p.refunded - p.disputed) as amount
                    from public.ad_link_visits as v
                    join public.payments as p on p.user_id = v.user_id
                   where v.link_id = l.id and v.is_source and p.status = 'completed' and not p.is_test
                   group by p.currency
                ) as r
            ),
            'is_archived', l.archived_at is not null, 'created_at', l.created_at
          )
          order by l.archived_at is not null, l.id desc
        ),
        '[]'::jsonb
      )
      from public.ad_links as l
  );
end
$$;

revoke all on function public.list_ad_links from public, anon, authenticated, service_role;
grant execute on function public.list_ad_links to bot_backend;
comment on function public.list_ad_links is 'Lists links of advertisements with what they brought';

-- Records that a user opened the link of an advertisement. It is their source if they are new: no bot knew them an hour ago, and
-- no other link brought them.
--
-- Concurrency: a visit is written once, and counted in the same transaction; a repetition of the update changes nothing.
-- Locks: user (NO KEY UPDATE), the link.
-- Returns: jsonb
--   known: boolean             (there is such a link)
-- Errors: none.
create or replace function public.open_ad_link(p_user_id bigint, p_bot text, p_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_link_id bigint;
  v_is_source boolean;
begin
  select l.id into v_link_id from public.ad_links as l where l.key = p_key;
  if not found then
    return jsonb_build_object('known', false);
  end if;
  select u.created_at > private.clock() - interval '1 hour' and not exists (
      select from public.ad_link_visits as v where v.user_id = u.id and v.is_source
    )
    into v_is_source
    from public.users as u
   where u.id = p_user_id
     for no key update;
  if found then
    insert into public.ad_link_visits (link_id, user_id, bot, is_source)
    values (v_link_id, p_user_id, p_bot, v_is_source)
    on conflict (link_id, user_id) do nothing;
    if found then
      update public.ad_links as l
         set visits = l.visits + 1, new_users = l.new_users + v_is_source::integer
       where l.id = v_link_id;
    end if;
  end if;
  return jsonb_build_object('known', true);
end
$$;

revoke all on function public.open_ad_link from public, anon, authenticated, service_role;
grant execute on function public.open_ad_link to bot_backend;
comment on function public.open_ad_link is 'Records that a user opened the link of an advertisement';

-- Returns what a qualification reads of a conversation: the newest messages of the user and the AI's answers, as text.
-- Notes, messages of the team, menus of the bot, taps, commands, media and forwarded messages are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table, the oldest first.
-- Errors: none.
create or replace function private.qualification_messages(p_conversation_id bigint, p_limit integer)
returns table (id bigint, seq bigint, source text, body text, created_at timestamptz)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select r.id, r.seq, r.source, r.body, r.created_at
    from (
      select m.id, m.seq, m.source, m.body, m.created_at
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.kind = 'text' and m.source in ('user', 'ai')
         and m.deleted_at is null and m.body <> '' and not starts_with(m.body, '/')
         and not coalesce((m.media ->> 'is_forwarded')::boolean, false)
       order by m.seq desc
       limit p_limit
    ) as r
   order by r.seq;
$$;

revoke all on function private.qualification_messages from public, anon, authenticated, service_role;
comment on function private.qualification_messages is 'What a qualification reads of a conversation';

-- Returns the band of a readiness score; null without one.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.ready_band(p_score integer)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
      when p_score >= 86 then 'ready'
      when p_score >= 61 then 'serious'
      when p_score >= 31 then 'interested'
      when p_score >= 0 then 'exploring'
    end;
$$;

revoke all on function private.ready_band from public, anon, authenticated, service_role;
comment on function private.ready_band is 'Returns the band of a readiness score';

-- Changes a lead. A field that is typed is locked against the AI until it is unlocked.
--
-- p_version: of the card that the form showed (0: none). p_changes: {real_name, background, query, ready_score, stage,
-- next_action, next_action_at, unlock: [fields]}: what is missing stays, an empty field is typed, too. The next action is reminded of to
-- the actor.
--
-- Concurrency: of two forms of one version the second changes nothing (conflict).
-- Locks: user (KEY SHARE), conversation, card.
-- Returns: jsonb
--   outcome: 'saved' | 'conflict' | 'unknown' | 'no_stage'
-- Errors: N0009 the user's role does not allow it.
create or replace function public.save_crm_card(
  p_actor_id bigint, p_conversation_id bigint, p_version integer, p_changes jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_now constant timestamptz := private.clock();
  v_old public.conversations;
  v_new public.conversations;
  v_card public.crm_cards;
  v_typed text[] := '{}';
  v_unlock text[] := array(select jsonb_array_elements_text(coalesce(p_changes -> 'unlock', '[]')));
  v_at timestamptz := (p_changes ->> 'next_action_at')::timestamptz;
begin
  select c.* into v_old from public.conversations as c where c.id = p_conversation_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  perform from public.users as u where u.id = v_old.user_id for key share;
  select c.* into v_old from public.conversations as c where c.id = p_conversation_id for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  select k.* into v_card from public.crm_cards as k where k.conversation_id = p_conversation_id for update;
  if coalesce(v_card.version, 0) <> p_version then
    return jsonb_build_object('outcome', 'conflict');
  elsif p_changes ? 'stage' and p_changes ->> 'stage' is distinct from v_card.stage
    and not private.setting('crm_stages')::jsonb ? (p_changes ->> 'stage')
  then
    return jsonb_build_object('outcome', 'no_stage');
  end if;
  update public.conversations as c
     set ai_real_name = case when p_changes ? 'real_name' then nullif(left(p_changes ->> 'real_name', 64), '') else c.ai_real_name end,
         ai_background = case when p_changes ? 'background' then nullif(left(p_changes ->> 'background', 300), '') else c.ai_background end,
         ai_query = case when p_changes ? 'query' then nullif(left(p_changes ->> 'query', 300), '') else c.ai_query end,
         ai_ready_score = case
           when p_changes ? 'ready_score' then greatest(least((p_changes ->> 'ready_score')::integer, 100), 0)
           else c.ai_ready_score
         end,
         changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id
  returning c.* into v_new;
  v_typed := array_remove(array[
    case when v_new.ai_real_name is distinct from v_old.ai_real_name then 'real_name' end,
    case when v_new.ai_background is distinct from v_old.ai_background then 'background' end,
    case when v_new.ai_query is distinct from v_old.ai_query then 'query' end,
    case when v_new.ai_ready_score is distinct from v_old.ai_ready_score then 'ready_score' end
  ], null);
  insert into public.crm_cards as k (conversation_id, stage, locked, next_action, next_action_at, next_action_by)
  values (
    p_conversation_id, coalesce(p_changes ->> 'stage', private.setting('crm_stages')::jsonb ->> 0), v_typed,
    nullif(p_changes ->> 'next_action', ''), v_at, case when v_at is not null then p_actor_id end
  )
  on conflict (conversation_id) do update
    set stage = coalesce(p_changes ->> 'stage', k.stage),
        stage_since = case when p_changes ->> 'stage' <> k.stage then v_now else k.stage_since end,
        locked = array(
          select f.name
            from unnest(k.locked || v_typed) as f (name)
           where not f.name = any (v_unlock) or f.name = any (v_typed)
           group by f.name
           order by f.name
        ),
        evidence = k.evidence - v_typed,
        next_action = case when p_changes ? 'next_action' then nullif(p_changes ->> 'next_action', '') else k.next_action end,
        next_action_at = case when p_changes ? 'next_action' then v_at else k.next_action_at end,
        next_action_by = case
          when not p_changes ? 'next_action' or v_at is not distinct from k.next_action_at then k.next_action_by
          when v_at is not null then p_actor_id
        end,
        reminded_at = case
          when p_changes ? 'next_action' and v_at is distinct from k.next_action_at then null
          else k.reminded_at
        end,
        version = k.version + 1;
  perform private.write_audit(
    v_account, 'change_lead', v_old.user_id, null, jsonb_build_object('stage', v_card.stage),
    jsonb_build_object('conversation', p_conversation_id, 'stage', p_changes ->> 'stage', 'fields', to_jsonb(v_typed))
  );
  return jsonb_build_object('outcome', 'saved');
end
$$;

revoke all on function public.save_crm_card from public, anon, authenticated, service_role;
grant execute on function public.save_crm_card to bot_backend;
comment on function public.save_crm_card is 'Changes a lead';

-- Stores what a qualification found, and what its calls to the AI cost. A field that a member of the team typed stays, and so
-- does one of which nothing was found. Without a result (a failure) only the cost is stored.
--
-- p_result {real_name, background, query: {value, quote, message_id} or null each, signals: [{kind, quote, message_id}],
-- language, score}. p_usage: see private.record_usage; the calls have the reason qualification.
--
-- Concurrency: a claim that another run took over stores only its cost.
-- Locks: user (KEY SHARE), conversation, card, qualification_days, then as private.record_usage.
-- Returns: jsonb
--   saved: boolean
-- Errors: none.
create or replace function public.save_qualification(
  p_id bigint, p_claim uuid, p_result jsonb, p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_conversation public.conversations;
  v_card public.crm_cards;
  v_call public.telegram_updates;
  v_saved boolean;
begin
  select c.user_id into v_call.user_id from public.conversations as c where c.id = p_id;
  perform from public.users as u where u.id = v_call.user_id for key share;
  select c.* into v_conversation from public.conversations as c where c.id = p_id for update;
  if not found then
    return jsonb_build_object('saved', false);
  end if;
  select k.* into v_card from public.crm_cards as k where k.conversation_id = p_id for update;
  if v_card.claim = p_claim then
    v_saved := p_result is not null;
    update public.crm_cards as k
       set claim = null, claimed_seq = null, claimed_until = null, claimed_cost = null,
           qualified_seq = case when v_saved then v_card.claimed_seq else k.qualified_seq end,
           qualified_at = case when v_saved then v_now else k.qualified_at end,
           evidence = case
             when v_saved then k.evidence || coalesce((
               select jsonb_object_agg(f.key, f.value - 'value')
                 from jsonb_each(p_result) as f
                where f.key in ('real_name', 'background', 'query') and f.value <> 'null'
                  and not f.key = any (k.locked)
             ), '{}')
             else k.evidence
           end,
           signals = case when v_saved then p_result -> 'signals' else k.signals end,
           language = case when v_saved then p_result ->> 'language' else k.language end
     where k.conversation_id = p_id;
    if v_saved then
      update public.conversations as c
         set ai_real_name = case
               when 'real_name' = any (v_card.locked) then c.ai_real_name
               else coalesce(left(p_result #>> '{real_name,value}', 64), c.ai_real_name)
             end,
             ai_background = case
               when 'background' = any (v_card.locked) then c.ai_background
               else coalesce(left(p_result #>> '{background,value}', 300), c.ai_background)
             end,
             ai_query = case
               when 'query' = any (v_card.locked) then c.ai_query
               else coalesce(left(p_result #>> '{query,value}', 300), c.ai_query)
             end,
             ai_ready_score = case
               when 'ready_score' = any (v_card.locked) then c.ai_ready_score
               else greatest(least((p_result ->> 'score')::integer, 100), 0)
             end,
             changed_xid = pg_current_xact_id()
       where c.id = p_id;
    end if;
    update public.qualification_days as d
       set cost = greatest(
             d.cost - v_card.claimed_cost
             + (select coalesce(sum(private.usage_cost(u.value ->> 'cost')), 0) from jsonb_array_elements(p_usage) as u), 0
           )
     where d.bot = v_conversation.bot and d.day = v_card.runs_day;
  end if;
  v_call.bot := v_conversation.bot;
  v_call.update_id := p_id;
  perform private.record_usage(v_call, p_usage, false);
  return jsonb_build_object('saved', coalesce(v_saved, false));
end
$$;

revoke all on function public.save_qualification from public, anon, authenticated, service_role;
grant execute on function public.save_qualification to bot_backend;
comment on function public.save_qualification is 'Stores what a qualification found';

-- Sets the stages of leads, a list of texts in their order. A stage that leads are in may be removed: they keep it, and the board shows it.
--
-- Concurrency: the last one wins.
-- Locks: the setting's row.
-- Returns: jsonb
--   outcome: 'saved' | 'wrong'       (wrong: none, more than 12, one twice or longer than 40 characters)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.set_crm_stages(p_actor_id bigint, p_stages jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_before jsonb := private.setting('crm_stages')::jsonb;
begin
  if jsonb_array_length(p_stages) not between 1 and 12
    or (select count(distinct s) from jsonb_array_elements_text(p_stages) as s where length(s) between 1 and 40)
      <> jsonb_array_length(p_stages)
  then
    return jsonb_build_object('outcome', 'wrong');
  end if;
  update private.settings as s set value = p_stages where s.key = 'crm_stages';
  perform private.write_audit(
    v_account, 'set_crm_stages', null, null, jsonb_build_object('stages', v_before),
    jsonb_build_object('stages', p_stages)
  );
  return jsonb_build_object('outcome', 'saved');
end
$$;

revoke all on function public.set_crm_stages from public, anon, authenticated, service_role;
grant execute on function public.set_crm_stages to bot_backend;
comment on function public.set_crm_stages is 'Sets the stages of leads';

-- Records an update's calls to AI providers: a row per call, and the counters of the user and the day.
--
-- p_usage: [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in, tokens_out, tokens_cached, cost,
-- is_estimate, is_user_api_key, searches, reason}] in the order of the calls; the last one produced the answer, if any did. p_is_settled: a
-- reserved request was served. On a user API key nothing is reserved, and the status of the last call decides. A figure that
-- is not a number, is negative or exceeds its column is left out (0 where the column needs a number), because a
-- provider's report must never undo its answer. is_estimate: the provider did not report the cost; the prices of the catalogue
-- replace it where they are known (private.call_cost).
--
-- Concurrency: the caller holds the update row and calls once, in the transaction that finishes it. All updates take
--   the counters in the same order, call by call, and one update only one of the sixteen rows of a figure.
-- Locks: daily_usage, then by provider, model and is_user_api_key the row of monthly_api_usage and that of daily_totals.
-- Returns: void
-- Errors: none.
create or replace function private.record_usage(
  p_update public.telegram_updates, p_usage jsonb, p_is_settled boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_day date;
  v_shard integer := p_update.update_id & 15;
  v_last jsonb := p_usage -> -1;
  v_is_own boolean := coalesce((p_usage -> -1 ->> 'is_user_api_key')::boolean, false);
  v_call jsonb;
  v_row public.api_usage;
  v_cost numeric;
  v_is_last boolean;
  v_rows jsonb := '[]'::jsonb;
  v_count integer := jsonb_array_length(p_usage);
  v_requests integer := (p_is_settled or (v_is_own and v_last ->> 'status' in ('ok', 'part')))::integer;
begin
  if v_last is null and v_requests = 0 then
    return;
  end if;
  v_now := private.clock();
  v_day := (v_now at time zone private.setting('quota_timezone'))::date;

  if v_is_own and v_requests > 0 then
    insert into public.daily_usage as u (user_id, bot, day, user_api_key_requests)
    values (p_update.user_id, p_update.bot, v_day, 1)
    on conflict (user_id, day, bot) do update set user_api_key_requests = u.user_api_key_requests + 1;
  end if;
  if v_last is null then
    insert into public.daily_totals as t (day, bot, provider, model, is_user_api_key, shard, requests)
    values (v_day, p_update.bot, '', '', false, v_shard, v_requests)
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests;
    return;
  end if;

  for v_index in 0 .. v_count - 1 loop
    v_call := p_usage -> v_index;
    v_cost := private.usage_cost(v_call ->> 'cost');
    if (v_call ->> 'is_estimate')::boolean then
      v_cost := coalesce(
        private.call_cost(
          v_call ->> 'provider', v_call ->> 'model',
          jsonb_build_object(
            'input_tokens', private.usage_count(v_call ->> 'tokens_in'),
            'cached_tokens', coalesce(private.usage_count(v_call ->> 'tokens_cached'), 0),
            'output_tokens', private.usage_count(v_call ->> 'tokens_out')
          ) || case
            when v_call ? 'searches' then jsonb_build_object('search', private.usage_count(v_call ->> 'searches'))
            else '{}'
          end,
          '{}', v_now
        ),
        v_cost
      );
    end if;
    insert into public.api_usage (
      user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes,
      tokens_in, tokens_out, tokens_cached, cost, is_user_api_key, created_at, reason
    )
    values (
      p_update.user_id, p_update.bot, coalesce(v_call ->> 'provider', ''), coalesce(v_call ->> 'model', ''),
      case
        when v_call ->> 'kind' in ('image', 'video', 'transcription', 'speech') then v_call ->> 'kind'
        else 'chat'
      end,
      coalesce(v_call ->> 'status', ''), coalesce(private.usage_count(v_call ->> 'ms'), 0),
      coalesce(private.usage_count(v_call ->> 'request_bytes'), 0),
      coalesce(private.usage_count(v_call ->> 'response_bytes'), 0),
      private.usage_count(v_call ->> 'tokens_in'), private.usage_count(v_call ->> 'tokens_out'),
      private.usage_count(v_call ->> 'tokens_cached'), v_cost, coalesce((v_call ->> 'is_user_api_key')::boolean, false), v_now,
      left(v_call ->> 'reason', 32)
    )
    returning * into v_row;
    if v_count > 1 then
      v_rows := v_rows || to_jsonb(v_row);
    end if;
  end loop;
  if v_count > 1 then
    v_rows := (
      select jsonb_agg(r.value order by r.value ->> 'provider', r.value ->> 'model', r.value ->> 'is_user_api_key')
        from jsonb_array_elements(v_rows) as r (value)
    );
  end if;
  for v_index in 0 .. v_count - 1 loop
    if v_count > 1 then
      v_row := jsonb_populate_record(v_row, v_rows -> v_index);
    end if;
    v_is_last := (v_row.provider, v_row.model, v_row.is_user_api_key)
      = (v_last ->> 'provider', v_last ->> 'model', v_is_own);
    insert into public.monthly_api_usage as m
      (user_id, month, provider, model, is_user_api_key, calls, errors, tokens_in, tokens_out, cost, ms, day, day_cost)
    values (
      p_update.user_id, date_trunc('month', v_day::timestamp)::date, v_row.provider, v_row.model,
      v_row.is_user_api_key, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms, v_day, coalesce(v_row.cost, 0)
    )
    on conflict (user_id, month, provider, model, is_user_api_key) do update
      set calls = m.calls + excluded.calls,
          errors = m.errors + excluded.errors,
          tokens_in = m.tokens_in + excluded.tokens_in,
          tokens_out = m.tokens_out + excluded.tokens_out,
          cost = m.cost + excluded.cost,
          ms = m.ms + excluded.ms,
          day = excluded.day,
          day_cost = excluded.day_cost + case when m.day = excluded.day then m.day_cost else 0 end;
    insert into public.daily_totals as t
      (day, bot, provider, model, is_user_api_key, shard, requests, calls, errors, tokens_in, tokens_out, cost, ms)
    values (
      v_day, p_update.bot, v_row.provider, v_row.model, v_row.is_user_api_key, v_shard,
      case when v_is_last then v_requests else 0 end, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms
    )
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests,
          calls = t.calls + excluded.calls,
          errors = t.errors + excluded.errors,
          tokens_in = t.tokens_in + excluded.tokens_in,
          tokens_out = t.tokens_out + excluded.tokens_out,
          cost = t.cost + excluded.cost,
          ms = t.ms + excluded.ms;
    if v_is_last then
      v_requests := 0;  -- counted
    end if;
  end loop;
end
$$;

revoke all on function private.record_usage from public, anon, authenticated, service_role;
comment on function private.record_usage is 'Records an update''s calls to AI providers and their sums';


comment on column public.conversation_messages.media is 'Files by their file_id, with size, name and type; coordinates, contacts; is_forwarded: another wrote it';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "crm_stages", "about": "Stages of leads on the board, in their order: names of your own, or new, work, offer, won, lost, which are translated", "value": ["new", "work", "offer", "won", "lost"]}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "qualification", "about": "The AI reads conversations of the messenger and notes who the user is, what they want and how ready they are to buy; each time costs a call", "value": false}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "qualification_daily_cost", "about": "Daily budget of qualifications of each bot, in US dollars; a row qualification_daily_cost:<bot> sets that of one bot", "value": 1.0}') on conflict do nothing;
