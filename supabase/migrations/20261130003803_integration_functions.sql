-- Integration functions.

-- What services of the owner granted users through grant_subscription, one row per reference.

create table public.service_grants (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  kind text not null check (kind in ('month', 'year', 'credits')),
  quantity integer not null check (quantity > 0),
  plan text references public.subscription_limits (plan) on update cascade check ((plan is null) = (kind = 'credits')),
  reference text not null unique check (reference like '_%:_%'),
  created_at timestamptz not null default private.clock()
);

create index service_grants_user_idx on public.service_grants (user_id, id);
create index service_grants_plan_idx on public.service_grants (plan);

comment on table public.service_grants is 'Plans and credits granted by services, one row per reference';
comment on column public.service_grants.quantity is 'Months, years or bonus credits';
comment on column public.service_grants.plan is 'Plan granted; null: credits';
comment on column public.service_grants.reference is 'Idempotency key: service and its own number, for example courses:4711';
alter table public.service_grants enable row level security;
revoke all on table public.service_grants from public, anon, authenticated, service_role;
revoke all on sequence public.service_grants_id_seq from public, anon, authenticated, service_role;

-- Finds the user of a Telegram account and locks the row; creates a user whom no bot has seen yet.
--
-- Concurrency: as private.create_unseen_user.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.users, the row.
-- Errors: L0001 and 40001, as private.create_unseen_user.
create or replace function private.find_or_create_user(p_telegram_id bigint)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    v_user := private.create_unseen_user(p_telegram_id);
  end if;
  return v_user;
end
$$;

revoke all on function private.find_or_create_user from public, anon, authenticated, service_role;
comment on function private.find_or_create_user is 'Finds the user of a Telegram account, or creates it, and locks the row';

-- Changes a user's balance and writes the ledger entry, once per reference. Called by our own code and, with the secret key,
-- by other services of the same owner. A user whom no bot has seen yet is created; their first message to a bot still counts as
-- their first (users.has_started).
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the first call's ledger
--   entry and changes nothing. Two calls that use one reference for different users collide in its unique index; the second
--   fails with L0003. Two calls that create the same user collide in the unique telegram_id and continue with one row.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   balance: numeric       (after the call)
--   applied: boolean       (false: an earlier call applied the reference)
--   transaction_id: bigint (balance_transactions.id)
-- Errors: L0001 no Telegram user can have this id; L0002 the balance would become negative; L0003 the reference was used with
--   another amount or user; L0004 the amount, reason or reference is invalid; 40001 the user was erased at this moment (retry).
create or replace function public.adjust_balance(
  p_telegram_id bigint, p_amount numeric, p_reason text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_known public.balance_transactions;
  v_id bigint;
begin
  if p_amount is null or p_amount = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) >= 10000000000 then
    raise exception 'the amount must not be zero and must have at most two decimals' using errcode = 'L0004';
  elsif coalesce(p_reason, '') = '' or coalesce(p_reference, '') not like '_%:_%' then
    raise exception 'a reason and a reference of the form service:number are required' using errcode = 'L0004';
  end if;

  v_user := private.find_or_create_user(p_telegram_id);
  select t.* into v_known from public.balance_transactions as t where t.reference = p_reference;
  if found then
    if v_known.user_id is distinct from v_user.id or v_known.amount <> p_amount then
      raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
    end if;
    return jsonb_build_object(
      'balance', v_user.balance::text, 'applied', false, 'transaction_id', v_known.id
    );
  elsif v_user.balance + p_amount < 0 then
    raise exception 'the balance would become negative' using errcode = 'L0002';
  end if;

  begin
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, p_amount, v_user.balance + p_amount, p_reason, p_reference)
    returning id into v_id;
  exception when unique_violation then
    -- A concurrent call used the reference for another user.
    raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
  end;
  update public.users as u set balance = u.balance + p_amount where u.id = v_user.id
  returning u.* into v_user;
  return jsonb_build_object('balance', v_user.balance::text, 'applied', true, 'transaction_id', v_id);
end
$$;

revoke all on function public.adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.adjust_balance to bot_backend, service_role;
comment on function public.adjust_balance is 'Changes a user''s balance, once per reference';

-- Refuses a bot's name that no bot or service can have: 1 to 32 lower-case letters, digits and underscores, beginning
-- with a letter.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: void
-- Errors: S0001 the bot's name is invalid.
create or replace function private.check_bot_name(p_bot text)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_bot, '') !~ '^[a-z][a-z0-9_]{0,31}$' then
    raise exception 'a bot name has 1 to 32 lower-case letters, digits and underscores' using errcode = 'S0001';
  end if;
end
$$;

revoke all on function private.check_bot_name from public, anon, authenticated, service_role;
comment on function private.check_bot_name is 'Refuses a name that no bot can have';

-- Counts the users of all bots and services.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   users: bigint
--   started: bigint        (have written to a bot)
--   paid: bigint           (have a paid plan, or are admins)
--   banned: bigint
-- Errors: none.
create or replace function public.count_users()
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'users', count(*),
      'started', count(*) filter (where u.has_started),
      'paid', count(*) filter (where u.is_paid),
      'banned', count(*) filter (where u.banned_at is not null)
    )
    from public.users as u;
$$;

revoke all on function public.count_users from public, anon, authenticated, service_role;
grant execute on function public.count_users to bot_backend, service_role;
comment on function public.count_users is 'Counts the users of all bots and services';

-- Finds a user by Telegram id, or creates one whom no bot has seen yet, and stores the names that are given. A null
-- keeps what is stored. A bot's next update stores Telegram's names again.
--
-- Concurrency: two calls that create the same user meet in the unique telegram_id and get the one row; one of them
--   reports created. Repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   user: private.user_card
--   created: boolean
-- Errors: L0001 no Telegram user can have this id; S0001 a name or the language is invalid; 40001 the user was erased
--   at this moment (retry).
create or replace function public.get_or_create_user(
  p_telegram_id bigint,
  p_username text default null,
  p_first_name text default null,
  p_last_name text default null,
  p_language_code text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_latest bigint;
begin
  if p_username !~ '^[A-Za-z0-9_]{1,64}$' then
    raise exception 'the user name must have 1 to 64 letters, digits and underscores, without @' using errcode = 'S0001';
  elsif greatest(length(p_first_name), length(p_last_name)) > 64 then
    raise exception 'a name must have at most 64 characters' using errcode = 'S0001';
  elsif not private.is_language_tag(p_language_code) then
    raise exception 'the language must be a tag such as en or pt-BR' using errcode = 'S0001';
  end if;
  select max(u.id) into v_latest from public.users as u where u.telegram_id = p_telegram_id;
  v_user := private.find_or_create_user(p_telegram_id);
  if (coalesce(p_username, v_user.username), coalesce(p_first_name, v_user.first_name),
      coalesce(p_last_name, v_user.last_name), coalesce(p_language_code, v_user.language_code))
    is distinct from (v_user.username, v_user.first_name, v_user.last_name, v_user.language_code)
  then
    update public.users as u
       set username = coalesce(p_username, u.username),
           first_name = coalesce(p_first_name, u.first_name),
           last_name = coalesce(p_last_name, u.last_name),
           language_code = coalesce(p_language_code, u.language_code)
     where u.id = v_user.id
    returning u.* into v_user;
  end if;
  return jsonb_build_object('user', private.user_card(v_user), 'created', v_latest is null);
end
$$;

revoke all on function public.get_or_create_user from public, anon, authenticated, service_role;
grant execute on function public.get_or_create_user to bot_backend, service_role;
comment on function public.get_or_create_user is 'Finds a user by Telegram id, or creates one';

-- Returns a user with the session and the statistics of one bot, in the private chat unless another chat is named.
-- Sessions of other bots are never part of it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user: private.user_card | null    (null: no such user)
--   session: jsonb                    ({} while there is none)
--   stats: jsonb
-- Errors: S0001 the bot's name is invalid.
create or replace function public.get_user_session(
  p_telegram_id bigint, p_bot text, p_chat_id bigint default null, p_thread_id bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_session public.bot_sessions;
begin
  perform private.check_bot_name(p_bot);
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id;
  if found then
    select s.* into v_session
      from public.bot_sessions as s
     where s.user_id = v_user.id and s.bot = p_bot
       and s.chat_id = coalesce(p_chat_id, p_telegram_id) and s.thread_id = p_thread_id;
  end if;
  return jsonb_build_object(
    'user', case when v_user.id is not null then private.user_card(v_user) end,
    'session', coalesce(v_session.session_data, '{}'),
    'stats', coalesce(v_session.stats_data, '{}')
  );
end
$$;

revoke all on function public.get_user_session from public, anon, authenticated, service_role;
grant execute on function public.get_user_session to bot_backend, service_role;
comment on function public.get_user_session is 'Returns a user with the session and statistics of one bot';

-- Grants a user a plan for months or years, or bonus credits, in the name of a service, once per reference. The plan
-- extends what the user has of it. Purchases are granted by payments (private.grant_purchase), gifts of admins by
-- admin_set_plan.
--
-- Concurrency: the user's row is locked, and the reference is unique. A repeated reference grants nothing and returns
--   what was granted then, with the present state.
-- Locks: user (NO KEY UPDATE), then as private.extend_subscription.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   kind: 'month' | 'year' | 'credits'
--   quantity: int
--   plan: text             (the user's plan now)
--   ends_at: timestamptz | null
--   credits: { granted: bigint, left: int }   (by services in all; bonus credits left from any source)
-- Errors: L0001 no Telegram user can have this id; S0001 the kind, quantity, plan or reference is invalid; S0002 the
--   reference was used with another user or grant; 40001 the user was erased at this moment (retry).
create or replace function public.grant_subscription(
  p_telegram_id bigint,
  p_kind text,
  p_reference text,
  p_quantity integer default 1,
  p_plan text default 'PREMIUM'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_grant public.service_grants;
  v_plan text := case when p_kind <> 'credits' then p_plan end;
  v_most integer := case p_kind when 'month' then 120 when 'year' then 10 else 1000000 end;
  v_applied boolean := false;
begin
  if coalesce(p_kind, '') not in ('month', 'year', 'credits') then
    raise exception 'the kind must be month, year or credits' using errcode = 'S0001';
  elsif coalesce(p_quantity, 0) not between 1 and v_most then
    raise exception 'the quantity must be between 1 and 120 months, 10 years or 1000000 credits' using errcode = 'S0001';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'S0001';
  elsif v_plan is not null and not exists (
    select from public.subscription_limits as l where l.plan = v_plan and l.vip_level > 0
  ) then
    raise exception 'no such paid plan' using errcode = 'S0001';
  end if;
  v_user := private.find_or_create_user(p_telegram_id);
  select g.* into v_grant from public.service_grants as g where g.reference = p_reference;
  if not found then
    begin
      insert into public.service_grants as g (user_id, kind, quantity, plan, reference)
      values (v_user.id, p_kind, p_quantity, v_plan, p_reference)
      returning g.* into v_grant;
      v_applied := true;
    exception when unique_violation then
      -- A concurrent call used the reference for another user.
      raise exception 'the reference was used with another user or grant' using errcode = 'S0002';
    end;
  elsif (v_grant.user_id, v_grant.kind, v_grant.quantity, v_grant.plan)
    is distinct from (v_user.id, p_kind, p_quantity, v_plan)
  then
    raise exception 'the reference was used with another user or grant' using errcode = 'S0002';
  end if;
  if v_applied and p_kind = 'credits' then
    update public.users as u set bonus_credits = u.bonus_credits + p_quantity where u.id = v_user.id
    returning u.* into v_user;
  elsif v_applied then
    for v_number in 1..p_quantity loop
      perform private.extend_subscription(v_user.id, v_plan, 'service', p_kind, null);
    end loop;
  end if;
  return private.plan_of(v_user.id) || jsonb_build_object(
    'applied', v_applied,
    'kind', v_grant.kind,
    'quantity', v_grant.quantity,
    'credits', jsonb_build_object(
      'granted', (
        select coalesce(sum(g.quantity), 0)
          from public.service_grants as g
         where g.user_id = v_user.id and g.kind = 'credits'
      ),
      'left', v_user.bonus_credits
    )
  );
end
$$;

revoke all on function public.grant_subscription from public, anon, authenticated, service_role;
grant execute on function public.grant_subscription to bot_backend, service_role;
comment on function public.grant_subscription is 'Grants a user a plan or bonus credits in the name of a service, once per reference';

-- Gives a user free trainings in the name of a service, once for each user, source and reference.
--
-- Concurrency: the user's row is locked. A repeated reference gives nothing and returns the present state.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: given before)
--   granted: bigint        (free trainings from all sources)
--   left: bigint
-- Errors: L0001 no Telegram user can have this id; S0001 the quantity, source or reference is invalid; S0002 the
--   reference was used with another quantity; 40001 the user was erased at this moment (retry).
create or replace function public.grant_trainings(
  p_telegram_id bigint, p_reference text, p_quantity integer default 1, p_source text default 'service'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_applied boolean;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the number of trainings must be between 1 and 1000000' using errcode = 'S0001';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'S0001';
  elsif coalesce(p_source, '') not in ('service', 'channel', 'promo', 'admin') then
    raise exception 'the source must be service, channel, promo or admin' using errcode = 'S0001';
  end if;
  v_user_id := (private.find_or_create_user(p_telegram_id)).id;
  v_applied := private.give_trainings(v_user_id, p_source, p_reference, p_quantity);
  if not v_applied and not exists (
    select
      from public.free_trainings as f
     where f.user_id = v_user_id and f.source = p_source and f.reference = p_reference and f.quantity = p_quantity
  ) then
    raise exception 'the reference was used with another quantity' using errcode = 'S0002';
  end if;
  return (
    select jsonb_build_object(
        'applied', v_applied,
        'granted', coalesce(sum(f.quantity), 0),
        'left', coalesce(sum(f.quantity - f.used), 0)
      )
      from public.free_trainings as f
     where f.user_id = v_user_id
  );
end
$$;

revoke all on function public.grant_trainings from public, anon, authenticated, service_role;
grant execute on function public.grant_trainings to bot_backend, service_role;
comment on function public.grant_trainings is 'Gives a user free trainings in the name of a service, once per reference';

-- Tells whether a text is a language tag (BCP 47): a language of two or three letters and up to four subtags.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; null and no language are accepted, so the result is true for null.
-- Errors: none.
create or replace function private.is_language_tag(p_language text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$', true);
$$;

revoke all on function private.is_language_tag from public, anon, authenticated, service_role;
comment on function private.is_language_tag is 'Tells whether a text is a language tag';

-- Merges two JSON objects key by key; a key whose new value is null is removed. A null change leaves the first as it
-- is; with p_replace the change takes its place.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, the object.
-- Errors: none.
create or replace function private.merged(p_old jsonb, p_change jsonb, p_replace boolean)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_change is null then p_old
    when p_replace then p_change
    else (
      select coalesce(jsonb_object_agg(e.key, e.value), '{}'::jsonb)
        from jsonb_each(p_old || p_change) as e
       where not (p_change ? e.key and e.value = 'null')
    )
  end;
$$;

revoke all on function private.merged from public, anon, authenticated, service_role;
comment on function private.merged is 'Merges two JSON objects key by key';

-- Empties the session of a user with one bot: its data and its mode; with p_keep_stats false the statistics too. The
-- conversation and other bots' sessions stay.
--
-- Concurrency: repeated, it changes nothing.
-- Locks: session.
-- Returns: boolean, whether there was a session.
-- Errors: S0001 the bot's name is invalid.
create or replace function public.reset_user_session(
  p_telegram_id bigint,
  p_bot text,
  p_keep_stats boolean default true,
  p_chat_id bigint default null,
  p_thread_id bigint default 0
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.check_bot_name(p_bot);
  update public.bot_sessions as s
     set session_data = '{}',
         mode = 'chat',
         stats_data = case when p_keep_stats then s.stats_data else '{}' end,
         updated_at = private.clock()
    from public.users as u
   where u.telegram_id = p_telegram_id and s.user_id = u.id and s.bot = p_bot
     and s.chat_id = coalesce(p_chat_id, p_telegram_id) and s.thread_id = p_thread_id;
  return found;
end
$$;

revoke all on function public.reset_user_session from public, anon, authenticated, service_role;
grant execute on function public.reset_user_session to bot_backend, service_role;
comment on function public.reset_user_session is 'Empties the session of a user with one bot';

-- Saves the session of a user with one bot, its statistics, or both; null leaves a part alone. Keys are merged, and a
-- key whose value is null is removed, so two writers lose nothing of each other's keys. With p_replace the given parts
-- are stored as they are.
--
-- Concurrency: calls for one session are serialized by its row. Repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   session: jsonb
--   stats: jsonb
-- Errors: L0001 no Telegram user can have this id; S0001 the bot's name is invalid, a part is no JSON object, or a
--   part would become larger than 256 kB; 40001 the user was erased at this moment (retry).
create or replace function public.save_user_session(
  p_telegram_id bigint,
  p_bot text,
  p_session jsonb default null,
  p_stats jsonb default null,
  p_replace boolean default false,
  p_chat_id bigint default null,
  p_thread_id bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_chat_id bigint := coalesce(p_chat_id, p_telegram_id);
  v_session public.bot_sessions;
begin
  perform private.check_bot_name(p_bot);
  if jsonb_typeof(p_session) <> 'object' or jsonb_typeof(p_stats) <> 'object' then
    raise exception 'session and statistics must be JSON objects' using errcode = 'S0001';
  end if;
  v_user_id := (private.find_or_create_user(p_telegram_id)).id;
  insert into public.bot_sessions (user_id, bot, chat_id, thread_id)
  values (v_user_id, p_bot, v_chat_id, p_thread_id)
  on conflict (user_id, bot, chat_id, thread_id) do nothing;
  select s.* into v_session
    from public.bot_sessions as s
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = v_chat_id and s.thread_id = p_thread_id
     for update;
  v_session.session_data := private.merged(v_session.session_data, p_session, p_replace);
  v_session.stats_data := private.merged(v_session.stats_data, p_stats, p_replace);
  if greatest(length(v_session.session_data::text), length(v_session.stats_data::text)) > 262144 then
    raise exception 'session and statistics must each be at most 256 kB' using errcode = 'S0001';
  end if;
  update public.bot_sessions as s
     set session_data = v_session.session_data, stats_data = v_session.stats_data, updated_at = private.clock()
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = v_chat_id and s.thread_id = p_thread_id;
  return jsonb_build_object('session', v_session.session_data, 'stats', v_session.stats_data);
end
$$;

revoke all on function public.save_user_session from public, anon, authenticated, service_role;
grant execute on function public.save_user_session to bot_backend, service_role;
comment on function public.save_user_session is 'Saves the session of a user with one bot, its statistics, or both';

-- Sets the language that all bots speak with a user; null: the language of the user's Telegram client. Bots that do
-- not speak it use the nearest one they do.
--
-- Concurrency: repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   ...private.user_card
-- Errors: L0001 no Telegram user can have this id; S0001 the language is invalid; 40001 the user was erased at this
--   moment (retry).
create or replace function public.set_user_language(p_telegram_id bigint, p_language text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  if not private.is_language_tag(p_language) then
    raise exception 'the language must be a tag such as en or pt-BR' using errcode = 'S0001';
  end if;
  v_user := private.find_or_create_user(p_telegram_id);
  update public.users as u set language = p_language where u.id = v_user.id
  returning u.* into v_user;
  return private.user_card(v_user);
end
$$;

revoke all on function public.set_user_language from public, anon, authenticated, service_role;
grant execute on function public.set_user_language to bot_backend, service_role;
comment on function public.set_user_language is 'Sets the language that all bots speak with a user';

-- Returns what other services need to know of a user. Services may store it: keys are added, never renamed.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   telegram_id: bigint
--   username: text | null
--   first_name: text
--   last_name: text | null
--   language: text         (chosen by the user; else that of the Telegram client)
--   plan: text
--   plan_ends_at: timestamptz | null
--   vip_level: int
--   is_paid: boolean
--   is_admin: boolean
--   is_banned: boolean
--   is_active: boolean     (false: the user blocked a bot)
--   has_started: boolean   (false: no bot has received a message of the user yet)
--   balance: numeric
--   bonus_credits: int
--   total_xp: bigint
--   level: int
--   referral_code: text
--   total_referrals: int
--   created_at: timestamptz
--   last_activity: timestamptz
-- Errors: none.
create or replace function private.user_card(p_user public.users)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_plan jsonb := private.plan_of(p_user.id);
begin
  return jsonb_build_object(
    'id', p_user.id,
    'telegram_id', p_user.telegram_id,
    'username', p_user.username,
    'first_name', p_user.first_name,
    'last_name', p_user.last_name,
    'language', coalesce(p_user.language, p_user.language_code),
    'plan', v_plan -> 'plan',
    'plan_ends_at', v_plan -> 'ends_at',
    'vip_level', p_user.vip_level,
    'is_paid', p_user.is_paid,
    'is_admin', p_user.is_admin,
    'is_banned', p_user.banned_at is not null,
    'is_active', p_user.is_active,
    'has_started', p_user.has_started,
    'balance', p_user.balance::text,
    'bonus_credits', p_user.bonus_credits,
    'total_xp', p_user.total_xp,
    'level', p_user.level,
    'referral_code', p_user.referral_code,
    'total_referrals', p_user.total_referrals,
    'created_at', p_user.created_at,
    'last_activity', p_user.last_activity
  );
end
$$;

revoke all on function private.user_card from public, anon, authenticated, service_role;
comment on function private.user_card is 'Returns what other services need to know of a user';

-- Reminds users that a purchased, trial or promo subscription expires: three days before, one day before, and when it has
-- expired. No reminder before the end is sent to a user whose renewal is active; that user is notified after the grace period.
-- No reminder is sent when another subscription continues the plan, or when the subscription is shorter than the time before
-- its end.
--
-- Concurrency: subscriptions that another transaction has locked and users who are being erased are skipped. A reminder is
--   stored in subscriptions.reminded and sent once; an extended subscription is reminded of again. A reminder that is more than
--   a day late is not sent: the next one is more accurate.
-- Locks: subscriptions by ends_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_expiry_reminders(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, k.until, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select private.effective_end(s.user_id, s.plan, s.source, s.ends_at) as until
      ) as k
      cross join lateral (
        select case
            when k.until <= v_now then 'over'
            when k.until <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select coalesce(
            (select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1),
            -- Without an order (trial, promo code): the bot that the user used last.
            (select private.reachable_bot(u.id, u.telegram_id, null) from public.users as u where u.id = s.user_id)
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial', 'promo', 'service')
       and s.ends_at between v_now - interval '1 day' - private.grace_period() and v_now + interval '3 days'
       and k.until between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
       and s.starts_at < s.ends_at - case r.reminder
         when 'days' then interval '3 days'
         when 'day' then interval '1 day'
         else interval '0'
       end
       and not exists (
         select
           from public.subscriptions as a
           join public.subscription_limits as l on l.plan = a.plan
           join public.subscription_limits as m on m.plan = s.plan
          where a.user_id = s.user_id
            and a.status = 'active'
            and l.vip_level >= m.vip_level
            and (a.ends_at is null or a.ends_at > s.ends_at)
       )
       and (
         r.reminder = 'over'
         or not exists (
           select from public.renewals as n
            where n.user_id = s.user_id and n.status in ('active', 'past_due')
         )
       )
     order by s.ends_at
     limit p_limit
       for update of s skip locked
  loop
    perform from public.users as u where u.id = v_due.user_id for key share skip locked;
    continue when not found;
    update public.subscriptions as s
       set reminded = v_due.reminder || ' ' || s.ends_at::text
     where s.id = v_due.id;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.until))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_expiry_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_expiry_reminders to bot_backend;
comment on function public.enqueue_expiry_reminders is 'Reminds users that a subscription expires';

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
      )
    ),
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

-- A migration is one transaction, and the index covers only subscriptions that end soon or ended: some milliseconds.
-- squawk-ignore require-concurrent-index-deletion
drop index public.subscriptions_reminder_idx;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX subscriptions_reminder_idx ON public.subscriptions USING btree (ends_at) WHERE (source = ANY (ARRAY['purchase'::text, 'trial'::text, 'promo'::text, 'service'::text]));

comment on column public.free_trainings.source is 'Kind of grant: channel, promo (a promo code), admin or service (grant_trainings)';

comment on column public.subscriptions.source is 'Origin: purchase, trial, promo (a promo code), service (grant_subscription) or admin';
