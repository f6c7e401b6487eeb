-- A message goes through the whole house: people, sessions, the inbox, the outbox and the daily limits.

-- The roles that call us, and the two schemas they may look into.

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'bot_backend') then
    -- Without a login: the database tool gives it one, with a password from a secret.
    create role bot_backend nologin noinherit;
  end if;
end
$$;

-- A statement of ours that takes this long is broken; the caller has given up by then.
alter role bot_backend set statement_timeout = '8s';
alter role bot_backend set lock_timeout = '5s';
alter role bot_backend set idle_in_transaction_session_timeout = '10s';

create schema if not exists private;
comment on schema private is 'Internals: reached only from functions of this project, not through the Data API';
revoke all on schema private from public, anon, authenticated;

grant usage on schema public to bot_backend, service_role;

-- The only place that reads the time, so that a test can move it (only its owner can replace it).
--
-- Twice or at once: reads nothing and changes nothing.
-- Returns: the present moment, also inside one long statement.
-- Errors: none.
create or replace function private.clock()
returns timestamptz
language sql
volatile
security invoker
set search_path = ''
as $$
  select clock_timestamp();
$$;

revoke all on function private.clock from public, anon, authenticated;
comment on function private.clock is 'The present moment; replaced by tests that move the time';

-- Makes a short code that nobody can guess, from letters and digits that nobody confuses.
--
-- Twice or at once: every call gives another code; 12 characters are 60 bits of the random UUID.
-- Returns: 12 characters of 23456789abcdefghjkmnpqrstuvwxyz and the digit 0.
-- Errors: none.
create or replace function private.random_code()
returns text
language sql
volatile
security invoker
set search_path = ''
as $$
  -- Bytes 6 and 8 of a random UUID hold its version; a hash spreads the random bits over all of them.
  select string_agg(
    substr(
      '023456789abcdefghjkmnpqrstuvwxyz',
      get_byte(h.digest, i.position) % 32 + 1,
      1
    ),
    '' order by i.position
  )
  from (
    select sha256(
      convert_to(gen_random_uuid()::text, 'UTF8')
    ) as digest
  ) as h
  cross join generate_series(0, 11) as i (position);
$$;

revoke all on function private.random_code from public, anon, authenticated;
comment on function private.random_code is 'A short unguessable code';

-- People, one row a Telegram account, shared by all bots and by other services of the same owner.

create table public.users (
  id bigint generated always as identity primary key,
  telegram_id bigint not null unique,
  username text,
  first_name text not null default '',
  last_name text,
  language_code text,
  language text,
  balance numeric(12, 2) not null default 0 check (balance >= 0),
  vip_level integer not null default 0 check (vip_level >= 0),
  is_active boolean not null default true,
  is_newcomer boolean not null default true,
  referral_code text not null unique default private.random_code(),
  total_referrals integer not null default 0 check (total_referrals >= 0),
  bonus_credits integer not null default 0 check (bonus_credits >= 0),
  total_xp bigint not null default 0 check (total_xp >= 0),
  level integer not null default 1 check (level >= 1),
  is_admin boolean not null default false,
  is_paid boolean not null default false,
  created_at timestamptz not null default private.clock(),
  last_activity timestamptz not null default private.clock()
);

comment on table public.users is 'People: one row a Telegram account, shared by all bots and services';
comment on column public.users.language_code is 'The language of the person''s Telegram, a BCP 47 tag';
comment on column public.users.language is 'The language the person chose with /language; null: follow language_code';
comment on column public.users.balance is 'Money, in the unit of the setting balance_currency';
comment on column public.users.vip_level is 'Derived: 0 is the free plan, see subscription_limits';
comment on column public.users.is_active is 'False once the person blocked a bot';
comment on column public.users.is_newcomer is 'True until the first served AI request';
comment on column public.users.last_activity is 'The last update of the person, to five minutes';
alter table public.users enable row level security;
revoke all on table public.users from public, anon, authenticated, service_role;
revoke all on sequence public.users_id_seq from public, anon, authenticated, service_role;

-- How many AI requests a person used on a day, per bot. The limit counts all bots together.

create table public.daily_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  day date not null,
  requests integer not null default 0 check (requests >= 0),
  primary key (user_id, day, bot)
);

comment on table public.daily_usage is 'AI requests used, by person, day and bot';
comment on column public.daily_usage.day is 'A day in the time zone of the setting quota_timezone';
comment on column public.daily_usage.requests is 'Reserved and served requests; a failed one is given back';
alter table public.daily_usage enable row level security;
revoke all on table public.daily_usage from public, anon, authenticated, service_role;

-- What each plan allows. Changing a row changes what the bots do with the next update.

create table public.subscription_limits (
  plan text primary key,
  vip_level integer not null unique check (vip_level >= 0),
  daily_requests integer check (daily_requests >= 0)
);

comment on table public.subscription_limits is 'What each plan allows';
comment on column public.subscription_limits.vip_level is 'The plan holds from this users.vip_level up to the next plan''s';
comment on column public.subscription_limits.daily_requests is 'AI requests a day over all bots; null is no limit';
alter table public.subscription_limits enable row level security;
revoke all on table public.subscription_limits from public, anon, authenticated, service_role;

insert into public.subscription_limits (plan, vip_level, daily_requests)
values ('FREE', 0, 25), ('PREMIUM', 1, 1000)
on conflict (plan) do nothing;

-- What an owner may set for the whole installation. `python -m tools.database settings` writes what the
-- environment says; everything else keeps the value it has here.

create table private.settings (
  key text primary key,
  value jsonb not null,
  about text not null
);

comment on table private.settings is 'Settings of the installation that SQL functions read';
alter table private.settings enable row level security;
revoke all on table private.settings from public, anon, authenticated, service_role;

insert into private.settings (key, value, about)
values
('quota_timezone', '"Europe/Moscow"', 'IANA name of the time zone whose midnight starts a new day of requests'),
('balance_currency', '"RUB"', 'The unit of users.balance, an ISO 4217 code'),
('retention_updates_hours', '72', 'How long finished updates are kept; more than the 48 h in which one may come again'),
('retention_set_aside_days', '30', 'How long updates that were put aside are kept, with their payload'),
('retention_messages_days', '180', 'How long conversations are kept')
on conflict (key) do nothing;

-- What a bot remembers of a person in a chat. In a private chat the chat is the person.

create table public.bot_sessions (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  mode text not null default 'chat',
  session_data jsonb not null default '{}' check (jsonb_typeof(session_data) = 'object'),
  stats_data jsonb not null default '{}' check (jsonb_typeof(stats_data) = 'object'),
  last_update_id bigint,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  primary key (user_id, bot, chat_id)
);

comment on table public.bot_sessions is 'What a bot remembers of a person in a chat';
comment on column public.bot_sessions.mode is 'How the bot answers plain text, a key of shared/ai/modes.py';
comment on column public.bot_sessions.session_data is 'Small facts by key; "awaiting" names the question whose answer the next message is';
comment on column public.bot_sessions.stats_data is 'Counters: "requests" is how many AI requests were served here';
comment on column public.bot_sessions.last_update_id is 'The newest message handled; Telegram sends the next one only after the answer to this one arrived';
alter table public.bot_sessions enable row level security;
revoke all on table public.bot_sessions from public, anon, authenticated, service_role;

-- The conversation, one row a message, as the AI is shown it.

create table public.messages (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  role text not null check (role in ('user', 'assistant')),
  content text not null,
  created_at timestamptz not null default private.clock()
);

-- The newest messages of one session, and all of one person.
create index messages_session_idx on public.messages (user_id, bot, chat_id, id);
-- The sweep drops the oldest.
create index messages_created_at_idx on public.messages (created_at);

comment on table public.messages is 'The conversation, one row a message';
alter table public.messages enable row level security;
revoke all on table public.messages from public, anon, authenticated, service_role;
revoke all on sequence public.messages_id_seq from public, anon, authenticated, service_role;

-- Calls to the Bot API that are owed: stored with the change they tell of, gone once Telegram took them.

create table public.telegram_outbox (
  id bigint generated always as identity primary key,
  bot text not null,
  chat_id bigint not null,
  update_id bigint,
  method text not null,
  parameters jsonb not null,
  attempts integer not null default 0,
  send_after timestamptz not null,
  error text,
  created_at timestamptz not null default private.clock()
);

create index telegram_outbox_send_after_idx on public.telegram_outbox (send_after);
create index telegram_outbox_update_idx on public.telegram_outbox (bot, update_id);

comment on table public.telegram_outbox is 'Calls to the Bot API that are owed';
comment on column public.telegram_outbox.update_id is 'The update it answers; null for a notice of our own';
comment on column public.telegram_outbox.send_after is 'Not before; whoever sends moves it ahead first, so two never send the same';
alter table public.telegram_outbox enable row level security;
revoke all on table public.telegram_outbox from public, anon, authenticated, service_role;
revoke all on sequence public.telegram_outbox_id_seq from public, anon, authenticated, service_role;

-- The inbox: every update from Telegram, from its first delivery until its retention ends.
--
-- working ─▶ finished        its changes are committed, its answer is stored here or in telegram_outbox
--    │  ▲
--    ▼  │ next delivery, or the sweep
-- failed ─▶ set_aside        too many failures of our own: kept with its payload for the owner

create table public.telegram_updates (
  bot text not null,
  update_id bigint not null,
  kind text not null,
  status text not null check (status in ('working', 'failed', 'finished', 'set_aside')),
  chat_id bigint,
  -- Not a foreign key: a hot table whose rows live for days; erasing a person clears it by chat_id.
  user_id bigint,
  payload jsonb,
  delivery uuid,
  attempt integer not null default 1,
  failures integer not null default 0,
  deaths integer not null default 0,
  lease_until timestamptz,
  reservation text check (reservation in ('reserved', 'settled', 'released', 'refused')),
  reserved_on date,
  answer jsonb,
  error text,
  received_at timestamptz not null default private.clock(),
  primary key (bot, update_id)
);

-- Work that nobody does: the sweep looks here.
create index telegram_updates_open_idx on public.telegram_updates (lease_until)
where status in ('working', 'failed');
-- The sweep drops the oldest.
create index telegram_updates_received_at_idx on public.telegram_updates (received_at);

comment on table public.telegram_updates is 'The inbox: every update from Telegram, once';
comment on column public.telegram_updates.update_id is 'Telegram''s number; below zero for a body that has none (a digest of it)';
comment on column public.telegram_updates.payload is 'The update itself, until it is finished; secrets in its text struck out';
comment on column public.telegram_updates.delivery is 'Which delivery has the lease: a repeated call of the same one is not a second worker';
comment on column public.telegram_updates.attempt is 'How often work was begun; a worker whose number is older has lost its lease';
comment on column public.telegram_updates.failures is 'Failures of our own code; at 3 the update is put aside';
comment on column public.telegram_updates.deaths is 'Workers that vanished; at 5 the update is put aside';
comment on column public.telegram_updates.reserved_on is 'The day whose counter the reserved request is in';
comment on column public.telegram_updates.answer is 'The call sent in the HTTP response, given again to a redelivery';
alter table public.telegram_updates enable row level security;
revoke all on table public.telegram_updates from public, anon, authenticated, service_role;

-- Tells what a person may still ask today, over all bots.
--
-- Twice or at once: only reads. Whoever means to spend a request locks the person's row first.
-- Returns: plan (NONE, which allows nothing, when no plan covers the level), day (in quota_timezone), requests used and allowed that day (null is no limit), and when
--   the next day begins.
-- Errors: none.
create or replace function private.quota(
  p_user_id bigint,
  p_vip_level integer,
  out plan text,
  out day date,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_timezone text := private.setting('quota_timezone');
begin
  day := (private.clock() at time zone v_timezone)::date;
  resets_at := (day + 1)::timestamp at time zone v_timezone;
  select l.plan, l.daily_requests into plan, daily_requests
    from public.subscription_limits as l
   where l.vip_level <= p_vip_level
   order by l.vip_level desc
   limit 1;
  if not found then
    -- Somebody deleted the plan. Nothing is not the same as no limit.
    plan := 'NONE';
    daily_requests := 0;
  end if;
  select coalesce(sum(u.requests), 0) into requests
    from public.daily_usage as u
   where u.user_id = p_user_id and u.day = quota.day;
end
$$;

revoke all on function private.quota from public, anon, authenticated;
comment on function private.quota is 'What a person may still ask today';

-- Gives one AI request back to the day it was taken from.
--
-- Twice or at once: the caller holds the update's row and asks only while that says "reserved".
-- Returns: nothing.
-- Errors: none.
create or replace function private.release_usage(p_user_id bigint, p_bot text, p_day date)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.daily_usage as u
     set requests = u.requests - 1
   where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day and u.requests > 0;
$$;

revoke all on function private.release_usage from public, anon, authenticated;
comment on function private.release_usage is 'Gives one AI request back to its day';

-- Takes one AI request off a person's day, if one is left, before the AI is asked.
--
-- Twice or at once: the person's row is locked, so of two requests at the last free place one gets it. The
--   caller holds the update's row and asks only when that has no reservation yet.
-- Returns: the day it was taken from, or null when none is left.
-- Errors: none.
create or replace function private.reserve_usage(p_user_id bigint, p_bot text)
returns date
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_vip_level integer;
  v_quota record;
begin
  select u.vip_level into v_vip_level from public.users as u where u.id = p_user_id for no key update;
  v_quota := private.quota(p_user_id, v_vip_level);
  if v_quota.requests >= v_quota.daily_requests then
    return null;
  end if;
  insert into public.daily_usage as u (user_id, bot, day, requests)
  values (p_user_id, p_bot, v_quota.day, 1)
  on conflict (user_id, day, bot) do update set requests = u.requests + 1;
  return v_quota.day;
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated;
comment on function private.reserve_usage is 'Takes one AI request off a person''s day, if one is left';

-- Finds the person behind a Telegram account, or creates them; takes over what Telegram says of them now.
--
-- Twice or at once: two first messages meet in the unique telegram_id, and both get the one row. Nothing is
--   written while nothing changed, but for last_activity every five minutes.
-- Returns: the row.
-- Errors: none.
create or replace function private.upsert_user(p_person jsonb, p_now timestamptz)
returns public.users
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_telegram_id bigint := (p_person ->> 'id')::bigint;
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.telegram_id = v_telegram_id;
  if found
    and v_user.last_activity > p_now - interval '5 minutes'
    and v_user.username is not distinct from p_person ->> 'username'
    and v_user.first_name = coalesce(p_person ->> 'first_name', '')
    and v_user.last_name is not distinct from p_person ->> 'last_name'
    and v_user.language_code is not distinct from p_person ->> 'language_code'
  then
    return v_user;
  end if;

  insert into public.users as u
    (telegram_id, username, first_name, last_name, language_code, created_at, last_activity)
  values (
    v_telegram_id, p_person ->> 'username', coalesce(p_person ->> 'first_name', ''),
    p_person ->> 'last_name', p_person ->> 'language_code', p_now, p_now
  )
  on conflict (telegram_id) do update
    set username = excluded.username,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        language_code = excluded.language_code,
        last_activity = greatest(u.last_activity, excluded.last_activity)
  returning u.* into v_user;
  return v_user;
end
$$;

revoke all on function private.upsert_user from public, anon, authenticated;
comment on function private.upsert_user is 'Finds or creates the person behind a Telegram account';

-- Reads one setting of the installation.
--
-- Twice or at once: only reads.
-- Returns: the setting as text, or null if there is none of this name.
-- Errors: none.
create or replace function private.setting(p_key text)
returns text
language sql
stable
security invoker
set search_path = ''
as $$
  select s.value #>> '{}' from private.settings as s where s.key = p_key;
$$;

revoke all on function private.setting from public, anon, authenticated;
comment on function private.setting is 'One setting of the installation as text';

-- Says what a redelivery of a finished update is answered with.
--
-- Twice or at once: calls that are owed are claimed for a minute as they are handed out, so a redelivery and
--   the sweep never send the same ones together.
-- Returns: json {outcome: finished, answer, outgoing}, or {outcome: busy, retry_after} while another worker
--   sends. The answer is null once a later message of the chat was received: Telegram sends those one after
--   another, so it has the answer to this one.
-- Errors: none.
create or replace function private.answer_again(p_bot text, p_update_id bigint)
returns json
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_update public.telegram_updates;
  v_outgoing json;
  v_arrived boolean;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id;
  v_outgoing := private.claim_calls(p_bot, p_update_id);
  if v_outgoing is null and exists (
    select from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id and o.attempts = 0
  ) then
    return json_build_object('outcome', 'busy', 'retry_after', 5);
  end if;
  select coalesce(max(s.last_update_id) > p_update_id, false) into v_arrived
    from public.bot_sessions as s
   where s.user_id = v_update.user_id and s.bot = p_bot and s.chat_id = v_update.chat_id
     and v_update.kind in ('message', 'edited_message');
  return json_build_object(
    'outcome', 'finished',
    'answer', case when not v_arrived then v_update.answer end,
    'outgoing', coalesce(v_outgoing, '[]'::json)
  );
end
$$;

revoke all on function private.answer_again from public, anon, authenticated;
comment on function private.answer_again is 'What a redelivery of a finished update is answered with';

-- Applies what a handler changed of a session and of the person's choices.
--
-- Twice or at once: each key is set on the row as it is now. The caller holds the update's row and calls once.
-- Returns: nothing. p_changes may hold mode, data (keys to set; null removes one), language, is_active and
--   clear_history (true: the conversation is erased).
-- Errors: none.
create or replace function private.change_session(
  p_update public.telegram_updates, p_changes jsonb, p_reservation text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_changes ?| array['language', 'is_active'] then
    update public.users as u
       set language = coalesce(p_changes ->> 'language', u.language),
           is_active = coalesce((p_changes ->> 'is_active')::boolean, u.is_active)
     where u.id = p_update.user_id;
  end if;
  if (p_changes ->> 'clear_history')::boolean then
    delete from public.messages as m
     where m.user_id = p_update.user_id and m.bot = p_update.bot and m.chat_id = p_update.chat_id;
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
         updated_at = private.clock()
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated;
comment on function private.change_session is 'Applies what a handler changed of a session';

-- Hands out the calls that one finished update still owes and whose time has come.
--
-- Twice or at once: each is locked, and moved a minute ahead as it is handed out. What stands behind a call
--   that waits, or that another one is making, waits too.
-- Returns: json array of {id, method, parameters} in order, or null when none is due.
-- Errors: none.
create or replace function private.claim_calls(p_bot text, p_update_id bigint)
returns json
language sql
volatile
security invoker
set search_path = ''
as $$
  with due as (
    select o.id
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id and o.send_after <= private.clock()
       and not exists (
         select from public.telegram_outbox as e
          where e.bot = o.bot and e.update_id = o.update_id and e.chat_id = o.chat_id and e.id < o.id
            and e.send_after > private.clock()
       )
     order by o.id
       for update skip locked
  ), claimed as (
    update public.telegram_outbox as o
       set send_after = private.clock() + interval '1 minute'
      from due
     where o.id = due.id
    returning o.id, o.method, o.parameters
  )
  select json_agg(
    json_build_object('id', c.id, 'method', c.method, 'parameters', c.parameters) order by c.id
  )
  from claimed as c;
$$;

revoke all on function private.claim_calls from public, anon, authenticated;
comment on function private.claim_calls is 'The calls that one finished update still owes';

-- Hands out calls that are owed and whose time has come, the oldest first.
--
-- Twice or at once: each is locked, skipped by others, and moved a minute ahead as it is handed out. What
--   stands behind a call of the same update and chat that waits, or that another one is making, waits too.
-- Returns: json array of {id, bot, update_id, method, parameters}; empty when nothing is due.
-- Errors: none of its own.
create or replace function public.claim_outbox(p_limit integer)
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  with due as (
    select o.id
      from public.telegram_outbox as o
     where o.send_after <= (select private.clock())
       and not exists (
         select from public.telegram_outbox as e
          where e.bot = o.bot and e.update_id = o.update_id and e.chat_id = o.chat_id and e.id < o.id
            and e.send_after > (select private.clock())
       )
     order by o.send_after, o.id
     limit p_limit
       for update skip locked
  ), claimed as (
    update public.telegram_outbox as o
       set send_after = private.clock() + interval '1 minute'
      from due
     where o.id = due.id
    returning o.id, o.bot, o.update_id, o.method, o.parameters
  )
  select coalesce(
    json_agg(
      json_build_object(
        'id', c.id, 'bot', c.bot, 'update_id', c.update_id, 'method', c.method, 'parameters', c.parameters
      )
      order by c.id
    ),
    '[]'::json
  )
  from claimed as c;
$$;

revoke all on function public.claim_outbox from public, anon, authenticated;
grant execute on function public.claim_outbox to bot_backend, service_role;
comment on function public.claim_outbox is 'Hands out owed calls whose time has come';

-- Records that the work on an update failed: gives the lease and the reserved request back, and after three
-- failures of our own puts the update aside, so that it cannot block its chat for a day.
--
-- Twice or at once: the row is locked and its attempt compared; a worker that lost its lease changes nothing.
-- Returns: json {outcome: retry | set_aside | superseded, failures, answer}. p_answer (the apology) and
--   p_outgoing (the owner's alert) are kept only when it is put aside; p_counts is false when database,
--   network or a deployment failed and not our code, p_final true to put it aside at once.
-- Errors: none of its own.
create or replace function public.fail_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_error text,
  p_counts boolean default true,
  p_final boolean default false,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]'
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_update public.telegram_updates;
  v_failures integer;
  v_set_aside boolean;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status = 'set_aside' and v_update.attempt = p_attempt then
    return json_build_object(
      'outcome', 'set_aside', 'failures', v_update.failures, 'answer', v_update.answer
    );
  elsif v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return json_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' then
    perform private.release_usage(v_update.user_id, p_bot, v_update.reserved_on);
  end if;
  v_failures := v_update.failures + p_counts::integer;
  v_set_aside := p_final or v_failures >= 3;
  if v_set_aside and p_outgoing <> '[]' then
    perform private.owe_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = case when v_set_aside then 'set_aside' else 'failed' end,
         failures = v_failures,
         lease_until = case when not v_set_aside then private.clock() end,
         reservation = null,
         reserved_on = null,
         answer = case when v_set_aside then p_answer end,
         error = left(p_error, 2000)
   where t.bot = p_bot and t.update_id = p_update_id;
  return json_build_object(
    'outcome', case when v_set_aside then 'set_aside' else 'retry' end,
    'failures', v_failures,
    'answer', case when v_set_aside then p_answer end
  );
end
$$;

revoke all on function public.fail_update from public, anon, authenticated;
grant execute on function public.fail_update to bot_backend, service_role;
comment on function public.fail_update is 'Records a failure; after three the update is put aside';

-- The second of the two calls of an update: commits all that its handler changed, and its answer, together.
--
-- Twice or at once: the row is locked and its attempt compared. A worker that lost its lease changes nothing;
--   a repeated call after a lost answer changes nothing either and gets the same answer. Session data are
--   changed key by key, never written back whole, so a button and a message at once lose nothing.
--   A reserved request that the handler did not settle is given back, whatever p_reservation says.
-- Returns: json {outcome: finished | superseded, outgoing: [id]}, the ids of p_outgoing in order.
-- Errors: none of its own.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]'
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_outgoing json := '[]'::json;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return json_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(json_agg(o.id order by o.id), '[]'::json) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return json_build_object('outcome', 'finished', 'outgoing', v_outgoing);
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    perform private.release_usage(v_update.user_id, p_bot, v_update.reserved_on);
    v_update.reservation := 'released';
  end if;
  perform private.change_session(v_update, p_session, p_reservation);
  if p_messages <> '[]' then
    insert into public.messages (user_id, bot, chat_id, role, content, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, m.value ->> 'role', m.value ->> 'content', v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  if p_outgoing <> '[]' then
    v_outgoing := private.owe_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = 'finished',
         payload = null,
         error = null,
         lease_until = null,
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = p_answer
   where t.bot = p_bot and t.update_id = p_update_id;
  return json_build_object('outcome', 'finished', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.finish_update from public, anon, authenticated;
grant execute on function public.finish_update to bot_backend, service_role;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- Finds what a bot remembers of a person in a chat, or begins it.
--
-- Twice or at once: two first messages meet in the primary key, and both get the one row.
-- Returns: the row.
-- Errors: none.
create or replace function private.open_session(p_user_id bigint, p_bot text, p_chat_id bigint)
returns public.bot_sessions
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_session public.bot_sessions;
begin
  select s.* into v_session
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.bot = p_bot and s.chat_id = p_chat_id;
  if not found then
    insert into public.bot_sessions as s (user_id, bot, chat_id)
    values (p_user_id, p_bot, p_chat_id)
    on conflict (user_id, bot, chat_id) do update set updated_at = s.updated_at
    returning s.* into v_session;
  end if;
  return v_session;
end
$$;

revoke all on function private.open_session from public, anon, authenticated;
comment on function private.open_session is 'Finds or begins what a bot remembers of a person in a chat';

-- Stores calls to the Bot API that are owed from now on.
--
-- Twice or at once: the caller holds the update's row and stores its calls once.
-- Returns: json array of their ids, in order; whoever stored them has a minute to make them before the sweep
--   does.
-- Errors: none.
create or replace function private.owe_calls(p_bot text, p_update_id bigint, p_calls jsonb)
returns json
language sql
volatile
security invoker
set search_path = ''
as $$
  with stored as (
    insert into public.telegram_outbox as o (bot, chat_id, update_id, method, parameters, send_after)
    select
      p_bot,
      (c.value -> 'parameters' ->> 'chat_id')::bigint,
      p_update_id,
      c.value ->> 'method',
      c.value -> 'parameters',
      private.clock() + interval '1 minute'
    from jsonb_array_elements(p_calls) with ordinality as c (value, position)
    order by c.position
    returning o.id
  )
  select coalesce(json_agg(s.id order by s.id), '[]'::json) from stored as s;
$$;

revoke all on function private.owe_calls from public, anon, authenticated;
comment on function private.owe_calls is 'Stores calls to the Bot API that are owed';

-- Keeps an authentic body that cannot be worked on (not JSON, too large, no update in it) for the owner.
--
-- Twice or at once: the number (a digest of the body where it has none) is the key; the first is kept.
-- Returns: json {outcome: set_aside | known}.
-- Errors: none of its own.
create or replace function public.put_update_aside(
  p_bot text, p_update_id bigint, p_error text, p_body text
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  insert into public.telegram_updates (bot, update_id, kind, status, payload, error)
  values (p_bot, p_update_id, 'unusable', 'set_aside', to_jsonb(p_body), left(p_error, 2000))
  on conflict (bot, update_id) do nothing;
  return json_build_object('outcome', case when found then 'set_aside' else 'known' end);
end
$$;

revoke all on function public.put_update_aside from public, anon, authenticated;
grant execute on function public.put_update_aside to bot_backend, service_role;
comment on function public.put_update_aside is 'Keeps a body that cannot be worked on for the owner';

-- The first of the two calls of an update: stores it, drops duplicates, takes the lease, and loads all that
-- a handler may want to know.
--
-- Twice or at once: see private.take_update. Whoever takes over the work of a dead worker finds the request
--   that one reserved still reserved, and reserves no second one; the day stays the day of the first.
-- Returns: json
--   {outcome: work, attempt, failures, user, session, usage, reservation, history}
--     user    {id, telegram_id, is_new, language, language_code, vip_level, balance, currency,
--             created_at}
--     session {mode, data}
--     usage   {plan, requests, daily_requests, resets_at, timezone}
--     reservation: reserved | refused | null (not asked for, or a question awaits its answer)
--     history [{role, content}], the oldest first
--   {outcome: dead, attempt, failures, user: {language, language_code}}   put it aside
--   {outcome: busy, retry_after}                     seconds
--   {outcome: finished, answer, outgoing}            the stored answer, unless it is known to have arrived;
--                                                    outgoing [{id, method, parameters}] still owed
-- Errors: none of its own.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_person jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_taken record;
  v_user public.users;
  v_session public.bot_sessions;
  v_quota record;
  v_reserved_on date;
begin
  -- The update's row before the person's, as everybody else locks them: no two wait for each other.
  perform from public.telegram_updates as t where t.bot = p_bot and t.update_id = p_update_id for update;
  v_user := private.upsert_user(p_person, v_now);
  select * into v_taken from private.take_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now
  );
  if v_taken.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_taken.lease_until - private.clock()))
    );
  elsif v_taken.outcome = 'finished' then
    return private.answer_again(p_bot, p_update_id);
  elsif v_taken.outcome = 'dead' then
    return json_build_object(
      'outcome', 'dead', 'attempt', v_taken.attempt, 'failures', v_taken.deaths,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  v_session := private.open_session(v_user.id, p_bot, p_chat_id);
  if p_reserve
    and v_taken.reservation is distinct from 'reserved'
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved_on := private.reserve_usage(v_user.id, p_bot);
    v_taken.reservation := case when v_reserved_on is null then 'refused' else 'reserved' end;
    update public.telegram_updates as t
       set reservation = v_taken.reservation, reserved_on = v_reserved_on
     where t.bot = p_bot and t.update_id = p_update_id;
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);

  return json_build_object(
    'outcome', 'work',
    'attempt', v_taken.attempt,
    'failures', v_taken.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_user.created_at = v_taken.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'currency', private.setting('balance_currency'),
      'created_at', v_user.created_at
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'timezone', private.setting('quota_timezone')
    ),
    'reservation', v_taken.reservation,
    'history', case
      when p_history > 0 then private.recent_messages(v_user.id, p_bot, p_chat_id, p_history)
      else '[]'::json
    end
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated;
grant execute on function public.receive_update to bot_backend, service_role;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Reads the newest messages of a session, the oldest of them first.
--
-- Twice or at once: only reads, over messages_session_idx.
-- Returns: json array of {role, content}; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_limit integer
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(
    json_agg(json_build_object('role', m.role, 'content', m.content) order by m.id), '[]'::json
  )
  from (
    select r.id, r.role, r.content
      from public.messages as r
     where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id
     order by r.id desc
     limit p_limit
  ) as m;
$$;

revoke all on function private.recent_messages from public, anon, authenticated;
comment on function private.recent_messages is 'The newest messages of a session, oldest first';

-- Records what became of owed calls: taken by Telegram, refused for good, or to be tried again later.
--
-- Twice or at once: a call that is gone already is passed over. Calls of one update stay in order, because
--   its sender stops at the first that must wait, and reports the ones behind it as waiting too.
-- Returns: json {dropped}: how many were given up after a day of trying.
--   p_results: [{id, outcome: sent | refused | blocked | later, retry_after, error}]; blocked: the person
--   blocked the bot, which the person's row then says; retry_after in seconds.
-- Errors: none of its own.
create or replace function public.record_calls(p_results jsonb)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_dropped integer;
begin
  update public.users as u
     set is_active = false
    from jsonb_array_elements(p_results) as r (value)
    join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
   where r.value ->> 'outcome' = 'blocked' and u.telegram_id = o.chat_id;
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' in ('sent', 'refused', 'blocked');
  update public.telegram_outbox as o
     set attempts = o.attempts + 1,
         error = left(r.value ->> 'error', 500),
         send_after = v_now + make_interval(
           secs => greatest((r.value ->> 'retry_after')::double precision, least(5 * 2 ^ o.attempts, 3600))
         )
    from jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' = 'later';
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and o.created_at < v_now - interval '24 hours';
  get diagnostics v_dropped = row_count;
  return json_build_object('dropped', v_dropped);
end
$$;

revoke all on function public.record_calls from public, anon, authenticated;
grant execute on function public.record_calls to bot_backend, service_role;
comment on function public.record_calls is 'Records what became of owed calls to the Bot API';

-- Reserves one AI request for an update whose handler finds out late that it wants the AI. Plain text has
-- its request reserved by receive_update already.
--
-- Twice or at once: the update's row is locked; an update reserves one request, however often it asks.
-- Returns: json {outcome: reserved | refused | superseded}.
-- Errors: none of its own.
create or replace function public.reserve_request(p_bot text, p_update_id bigint, p_attempt integer)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_update public.telegram_updates;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return json_build_object('outcome', 'superseded');
  end if;
  if v_update.reservation is null then
    v_update.reserved_on := private.reserve_usage(v_update.user_id, p_bot);
    v_update.reservation := case when v_update.reserved_on is null then 'refused' else 'reserved' end;
    update public.telegram_updates as t
       set reservation = v_update.reservation, reserved_on = v_update.reserved_on
     where t.bot = p_bot and t.update_id = p_update_id;
  end if;
  return json_build_object('outcome', v_update.reservation);
end
$$;

revoke all on function public.reserve_request from public, anon, authenticated;
grant execute on function public.reserve_request to bot_backend, service_role;
comment on function public.reserve_request is 'Reserves one AI request for an update';

-- Hands out updates of these bots (a json array of names; null is all) whose worker vanished or failed and that Telegram
-- did not send again within a minute.
--
-- Twice or at once: each goes to the end of the line as it is handed out, so one that can never be finished
--   does not stand before the others; the lease decides who works on one.
-- Returns: json array of {bot, update_id, payload}, the longest waiting first.
-- Errors: none of its own.
create or replace function public.stale_updates(p_limit integer, p_bots jsonb default null)
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  with stale as (
    select t.bot, t.update_id, t.lease_until
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < (select private.clock()) - interval '1 minute'
       and (p_bots is null or p_bots ? t.bot)
     order by t.lease_until
     limit p_limit
       for update skip locked
  ), moved as (
    update public.telegram_updates as t
       set lease_until = private.clock()
      from stale as s
     where t.bot = s.bot and t.update_id = s.update_id
    returning t.bot, t.update_id, t.payload, s.lease_until as waiting_since
  )
  select coalesce(
    json_agg(
      json_build_object('bot', m.bot, 'update_id', m.update_id, 'payload', m.payload)
      order by m.waiting_since
    ),
    '[]'::json
  )
  from moved as m;
$$;

revoke all on function public.stale_updates from public, anon, authenticated;
grant execute on function public.stale_updates to bot_backend, service_role;
comment on function public.stale_updates is 'Updates whose worker vanished or failed';

-- Keeps the hot tables small and gives back what vanished workers hold: requests reserved by updates that
-- are older than ten minutes and that nobody works on, finished and put-aside updates past their retention, old messages.
--
-- Twice or at once: rows that another sweep or a worker holds are skipped.
-- Returns: json {released, updates, messages}: how many of each, p_limit of each kind at most.
-- Errors: none of its own.
create or replace function public.sweep(p_limit integer default 1000)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_stale record;
  v_released integer := 0;
  v_updates integer;
  v_messages integer;
begin
  for v_stale in
    select t.bot, t.update_id, t.user_id, t.reserved_on
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < v_now - interval '30 seconds'
       and t.received_at < v_now - interval '10 minutes'
       and t.reservation = 'reserved'
     order by t.user_id
     limit p_limit
       for update skip locked
  loop
    perform private.release_usage(v_stale.user_id, v_stale.bot, v_stale.reserved_on);
    update public.telegram_updates as t
       set reservation = null, reserved_on = null
     where t.bot = v_stale.bot and t.update_id = v_stale.update_id;
    v_released := v_released + 1;
  end loop;

  delete from public.telegram_updates as t
   using (
     select o.bot, o.update_id
       from public.telegram_updates as o
      where o.received_at < v_now - make_interval(hours => private.setting('retention_updates_hours')::integer)
        and (
          o.status <> 'set_aside'
          or o.received_at < v_now - make_interval(days => private.setting('retention_set_aside_days')::integer)
        )
      order by o.received_at
      limit p_limit
        for update skip locked
   ) as old
   where t.bot = old.bot and t.update_id = old.update_id;
  get diagnostics v_updates = row_count;

  delete from public.messages as m
   using (
     select o.id
       from public.messages as o
      where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
      order by o.created_at
      limit p_limit
        for update skip locked
   ) as old
   where m.id = old.id;
  get diagnostics v_messages = row_count;
  return json_build_object('released', v_released, 'updates', v_updates, 'messages', v_messages);
end
$$;

revoke all on function public.sweep from public, anon, authenticated;
grant execute on function public.sweep to bot_backend, service_role;
comment on function public.sweep is 'Releases stale reservations and drops what is past its retention';

-- Stores an update, or finds it, and decides whether this delivery works on it. Takes the lease if so.
--
-- Twice or at once: deliveries of one update meet in the primary key and then in its row lock, so one of
--   them works and the others learn of it. A repeated call of the same delivery (its first answer was lost)
--   keeps the lease it has. Telegram may start numbering anew after a quiet week: a row older than 48 h is
--   never taken for a duplicate.
-- Returns: an outcome (work | busy | finished | dead: its fifth worker vanished) and what the row says then.
-- Errors: none.
create or replace function private.take_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_user_id bigint,
  p_payload jsonb,
  p_lease_seconds integer,
  p_now timestamptz,
  out outcome text,
  out attempt integer,
  out failures integer,
  out deaths integer,
  out reservation text,
  out received_at timestamptz,
  out lease_until timestamptz
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := p_now;
  v_update public.telegram_updates;
begin
  attempt := 1;
  failures := 0;
  deaths := 0;
  received_at := p_now;
  lease_until := p_now + make_interval(secs => p_lease_seconds);
  loop
    insert into public.telegram_updates as t
      (bot, update_id, kind, status, chat_id, user_id, payload, delivery, lease_until, received_at)
    values (
      p_bot, p_update_id, p_kind, 'working', p_chat_id, p_user_id, p_payload, p_delivery,
      take_update.lease_until, p_now
    )
    on conflict (bot, update_id) do nothing;
    if found then
      outcome := 'work';
      return;
    end if;

    select t.* into v_update
      from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       for update;
    exit when found and v_update.received_at >= private.clock() - interval '48 hours';
    -- Gone between the two statements, or another update of the same number. Another delivery may be here
    -- too and be the first to make the new row, which is not to be deleted.
    delete from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       and t.received_at < private.clock() - interval '48 hours';
  end loop;
  v_now := private.clock();  -- the lock may have taken a while

  if v_update.status in ('finished', 'set_aside') then
    outcome := 'finished';
  elsif v_update.status = 'working' and v_update.delivery = p_delivery then
    outcome := 'work';
  elsif v_update.status = 'working' and v_update.lease_until > v_now then
    outcome := 'busy';
  else
    update public.telegram_updates as t
       set status = 'working',
           delivery = p_delivery,
           attempt = t.attempt + 1,
           deaths = t.deaths + (t.status = 'working')::integer,
           lease_until = take_update.lease_until
     where t.bot = p_bot and t.update_id = p_update_id
    returning t.* into v_update;
    outcome := case when v_update.deaths >= 5 then 'dead' else 'work' end;
  end if;
  attempt := v_update.attempt;
  failures := v_update.failures;
  deaths := v_update.deaths;
  reservation := v_update.reservation;
  received_at := v_update.received_at;
  lease_until := v_update.lease_until;
end
$$;

revoke all on function private.take_update from public, anon, authenticated;
comment on function private.take_update is 'Stores an update, or finds it, and takes the lease if it is free';
