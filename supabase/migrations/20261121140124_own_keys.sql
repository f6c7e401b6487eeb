-- Own keys.

-- People's own keys of AI providers, encrypted by the functions before they get here (shared/keys). The database
-- never sees one in clear, and holds nothing that could open one.

create table public.user_tokens (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{0,31}$'),
  ciphertext bytea not null,
  key_id text not null check (key_id <> ''),
  last_four text not null check (length(last_four) = 4),
  is_active boolean not null default false,
  status text not null default 'ok' check (status in ('ok', 'refused')),
  created_at timestamptz not null default private.clock(),
  checked_at timestamptz,
  unique (user_id, provider),
  check (status = 'ok' or not is_active)
);

-- Asked for with every message that goes to the AI; and nobody's requests go to two providers.
create unique index user_tokens_active_idx on public.user_tokens (user_id) where is_active;

comment on table public.user_tokens is 'People''s own keys of AI providers, encrypted';
comment on column public.user_tokens.ciphertext is 'AES-256-GCM, bound to the person''s Telegram id and the provider';
comment on column public.user_tokens.key_id is 'Which of TOKEN_ENCRYPTION_KEYS opens it';
comment on column public.user_tokens.last_four is 'The only characters of the key that are ever shown';
comment on column public.user_tokens.is_active is 'The person''s requests use this one, and not the plan; one a person at most';
comment on column public.user_tokens.status is 'refused once the provider would not take it any more';
comment on column public.user_tokens.checked_at is 'When the provider last took it; null if it could not be asked yet';
alter table public.user_tokens enable row level security;
revoke all on table public.user_tokens from public, anon, authenticated, service_role;
revoke all on sequence public.user_tokens_id_seq from public, anon, authenticated, service_role;

-- Finds the own key that a person's requests use.
--
-- Twice or at once: only reads.
-- Returns: json {provider, key_id, ciphertext (base64)}, or null when requests go to the plan.
-- Errors: none.
create or replace function private.active_token(p_user_id bigint)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select json_build_object(
    'provider', t.provider,
    'key_id', t.key_id,
    'ciphertext', translate(encode(t.ciphertext, 'base64'), E'\n', '')
  )
  from public.user_tokens as t
  where t.user_id = p_user_id and t.is_active;
$$;

revoke all on function private.active_token from public, anon, authenticated;
comment on function private.active_token is 'The own key that a person''s requests use';

-- Applies what a handler changed of a person's own keys.
--
-- Twice or at once: as the function it calls; the caller holds the update's row and calls once.
-- Returns: nothing. p_change is one of {store: {provider, ciphertext, key_id, last_four, is_checked}},
--   {remove: provider}, {use: provider or null}, {refuse: {provider, ciphertext}}.
-- Errors: those of public.store_user_token.
create or replace function private.change_token(p_user_id bigint, p_change jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_new jsonb := p_change -> 'store';
  v_refused jsonb := p_change -> 'refuse';
begin
  if v_new is not null then
    perform public.store_user_token(
      p_user_id, v_new ->> 'provider', v_new ->> 'ciphertext', v_new ->> 'key_id', v_new ->> 'last_four',
      coalesce((v_new ->> 'is_checked')::boolean, false)
    );
  elsif v_refused is not null then
    perform public.refuse_user_token(p_user_id, v_refused ->> 'provider', v_refused ->> 'ciphertext');
  elsif p_change ? 'remove' then
    perform public.remove_user_token(p_user_id, p_change ->> 'remove');
  elsif p_change ? 'use' then
    perform public.use_user_token(p_user_id, p_change ->> 'use');
  end if;
end
$$;

revoke all on function private.change_token from public, anon, authenticated;
comment on function private.change_token is 'Applies what a handler changed of a person''s own keys';

-- Lists a person's own keys as they may be shown: never the key, nor what it is encrypted to.
--
-- Twice or at once: only reads.
-- Returns: json array of {provider, last_four, key_id, status, is_active, created_at, checked_at}, the oldest
--   first; empty when there are none.
-- Errors: none.
create or replace function public.list_user_tokens(p_user_id bigint)
returns json
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(
    json_agg(
      json_build_object(
        'provider', t.provider,
        'last_four', t.last_four,
        'key_id', t.key_id,
        'status', t.status,
        'is_active', t.is_active,
        'created_at', t.created_at,
        'checked_at', t.checked_at
      )
      order by t.created_at, t.id
    ),
    '[]'::json
  )
  from public.user_tokens as t
  where t.user_id = p_user_id;
$$;

revoke all on function public.list_user_tokens from public, anon, authenticated;
grant execute on function public.list_user_tokens to bot_backend, service_role;
comment on function public.list_user_tokens is 'A person''s own keys as they may be shown';

-- Notes that a provider refused a person's own key: it is used no more, and requests go to the plan again.
--
-- Twice or at once: only the very key that was refused is marked. One that took its place meanwhile, or was
--   encrypted anew, is left alone: if that one is no good either, its own refusal says so.
-- Returns: jsonb {outcome: refused | unknown}. p_ciphertext is base64, as receive_update gave it.
-- Errors: none.
create or replace function public.refuse_user_token(p_user_id bigint, p_provider text, p_ciphertext text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  update public.user_tokens as t
     set status = 'refused', is_active = false
   where t.user_id = p_user_id and t.provider = p_provider and t.ciphertext = decode(p_ciphertext, 'base64');
  return jsonb_build_object('outcome', case when found then 'refused' else 'unknown' end);
end
$$;

revoke all on function public.refuse_user_token from public, anon, authenticated;
grant execute on function public.refuse_user_token to bot_backend, service_role;
comment on function public.refuse_user_token is 'Notes that a provider refused a person''s own key';

-- Forgets a person's own key of a provider. If it was in use, requests go to the plan again.
--
-- Twice or at once: a key that is gone stays gone.
-- Returns: jsonb {outcome: removed | unknown}.
-- Errors: none.
create or replace function public.remove_user_token(p_user_id bigint, p_provider text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  delete from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider;
  return jsonb_build_object('outcome', case when found then 'removed' else 'unknown' end);
end
$$;

revoke all on function public.remove_user_token from public, anon, authenticated;
grant execute on function public.remove_user_token to bot_backend, service_role;
comment on function public.remove_user_token is 'Forgets a person''s own key';

-- Stores a person's own key of an AI provider, already encrypted, and uses it from now on. A key that was there
-- for this provider is replaced.
--
-- Twice or at once: the person's row is locked, so of two keys stored at once one is in use in the end and both
--   are there, or the later one where they are of one provider. The same call again stores the same.
-- Returns: jsonb {outcome: stored | replaced}. p_ciphertext is base64; p_is_checked: the provider took the key.
-- Errors: K0001 there is no such person; K0002 what was given cannot be a key.
create or replace function public.store_user_token(
  p_user_id bigint,
  p_provider text,
  p_ciphertext text,
  p_key_id text,
  p_last_four text,
  p_is_checked boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_is_known boolean;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such person' using errcode = 'K0001';
  end if;
  v_is_known := exists (
    select from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider
  );
  update public.user_tokens as t set is_active = false where t.user_id = p_user_id and t.is_active;
  insert into public.user_tokens as t
    (user_id, provider, ciphertext, key_id, last_four, is_active, status, created_at, checked_at)
  values (
    p_user_id, p_provider, decode(p_ciphertext, 'base64'), p_key_id, p_last_four, true, 'ok', v_now,
    case when p_is_checked then v_now end
  )
  on conflict (user_id, provider) do update
    set ciphertext = excluded.ciphertext,
        key_id = excluded.key_id,
        last_four = excluded.last_four,
        is_active = true,
        status = 'ok',
        created_at = excluded.created_at,
        checked_at = excluded.checked_at;
  return jsonb_build_object('outcome', case when v_is_known then 'replaced' else 'stored' end);
exception when check_violation or not_null_violation or invalid_parameter_value then
  -- Without Postgres' own words: those repeat the row.
  raise exception 'this cannot be a key' using errcode = 'K0002';
end
$$;

revoke all on function public.store_user_token from public, anon, authenticated;
grant execute on function public.store_user_token to bot_backend, service_role;
comment on function public.store_user_token is 'Stores a person''s own key, encrypted, and uses it';

-- Chooses which of a person's own keys is used from now on; without a provider none is, and requests go to the
-- plan. A key that its provider refused may be chosen, too: the person may have mended it there.
--
-- Twice or at once: the person's row is locked, so one key is in use at most, the one chosen last.
-- Returns: jsonb {outcome: chosen | unknown}; unknown changes nothing.
-- Errors: none.
create or replace function public.use_user_token(p_user_id bigint, p_provider text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if p_provider is not null and not exists (
    select from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider
  ) then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  update public.user_tokens as t set is_active = false where t.user_id = p_user_id and t.is_active;
  update public.user_tokens as t
     set is_active = true, status = 'ok'
   where t.user_id = p_user_id and t.provider = p_provider;
  return jsonb_build_object('outcome', 'chosen');
end
$$;

revoke all on function public.use_user_token from public, anon, authenticated;
grant execute on function public.use_user_token to bot_backend, service_role;
comment on function public.use_user_token is 'Chooses which own key of a person is used';

-- Leaves of an update what says whose it is and where it came from, and nothing of what was written.
--
-- Twice or at once: only computes.
-- Returns: the update with a message of these fields and the text "[hidden]", as log.HIDDEN has it: whoever works
--   on it later (the sweep) sees that the words are gone.
-- Errors: none.
create or replace function private.without_words(p_payload jsonb, p_kind text)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'update_id', p_payload -> 'update_id',
    p_kind,
    coalesce(
      (
        select jsonb_object_agg(m.key, m.value)
          from jsonb_each(p_payload -> p_kind) as m
         where m.key in ('message_id', 'from', 'chat', 'date', 'message_thread_id', 'is_topic_message')
      ),
      '{}'
    ) || '{"text": "[hidden]"}'
  );
$$;

revoke all on function private.without_words from public, anon, authenticated;
comment on function private.without_words is 'An update without anything that was written in it';

-- Collects what is stored about a person, but for the conversation.
--
-- Twice or at once: only reads.
-- Returns: jsonb, one key a subject; of the AI calls the newest 10,000, the months have them all. Each has a title
--   and an explanation in shared/texts (section_<subject>).
-- Errors: none.
create or replace function private.person_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'person', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id), '[]')
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
    'referrals', jsonb_build_object(
      'came', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'brought', (
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

revoke all on function private.person_sections from public, anon, authenticated;
comment on function private.person_sections is 'What is stored about a person, but for the conversation';

-- Applies what a handler changed of a session and of the person's choices.
--
-- Twice or at once: each key is set on the row as it is now. The caller holds the update's row and calls once.
-- Returns: nothing. p_changes may hold mode, data (keys to set; null removes one), language, is_active, referrer_code
--   (who brought the person), token (what becomes of an own key, see private.change_token) and clear_history (true:
--   the conversation is erased). erase, the whole person, is done by private.erase_person after everything else.
-- Errors: those of private.change_token.
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
  if p_changes ? 'referrer_code' then
    perform private.attach_referral(p_update.user_id, p_changes ->> 'referrer_code');
  end if;
  if p_changes ? 'token' then
    perform private.change_token(p_update.user_id, p_changes -> 'token');
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

-- The first of the two calls of an update: stores it, drops duplicates, takes the lease, and loads all that
-- a handler may want to know.
--
-- While a question awaits a key (session_data.awaiting is "key:<provider>"), what is written is never stored: the
-- key may have any shape. A worker that takes over from here finds [hidden] in its place and asks again.
--
-- Twice or at once: see private.take_update. Whoever takes over the work of a dead worker finds the request
--   that one reserved still reserved, and reserves no second one; the day stays the day of the first. An update
--   that came before its person was erased is over, and nobody is made of it.
--   p_person is Telegram's User, with hash: what remembers them in erased_people.
-- Returns: json
--   {outcome: work, attempt, failures, user, session, usage, reservation, own_key, history}
--     user    {id, telegram_id, is_new, language, language_code, vip_level, balance, currency,
--             created_at, is_admin, admin_email, ban: {reason, told} | null}
--     session {mode, data}
--     usage   {plan, features, requests, daily_requests, resets_at, month_requests, monthly_requests,
--             month_resets_at, bonus_credits, timezone}
--     reservation: reserved | refused | null (not asked for, a question awaits its answer, own_key pays, or banned)
--     own_key {provider, key_id, ciphertext}: the person's own key, where p_reserve asks for the AI and nothing
--             is reserved already; else null
--     history [{role, content}], the oldest first; no more than p_history and the plan allow
--   {outcome: dead, attempt, failures, user: {language, language_code}}   put it aside
--   {outcome: busy, retry_after}                     seconds
--   {outcome: finished, answer, outgoing}            the stored answer, unless it is known to have arrived;
--                                                    outgoing [{id, method, parameters}] still owed
-- Errors: 40001, the person was erased this moment; the same call once more finds them new.
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
  v_known public.telegram_updates;
  v_taken record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_quota record;
  v_reserved record;
  v_own_key json;
begin
  -- The update's row before the person's, as everybody else locks them: no two wait for each other.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.hold_person(v_known) or v_known.status in ('finished', 'set_aside')
  ) then
    return private.answer_again(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_person, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id);
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Before it is stored, and not struck out later: a row's earlier versions stay in the files and backups.
    p_payload := private.without_words(p_payload, p_kind);
  end if;
  select * into v_taken from private.take_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now
  );
  if v_taken.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_taken.lease_until - private.clock()))
    );
  elsif v_taken.outcome = 'finished' then
    -- Another delivery finished it since we looked, perhaps by erasing the person.
    if v_user.created_at = v_now then
      raise exception 'the person was erased this moment' using errcode = '40001';
    end if;
    return private.answer_again(p_bot, p_update_id, p_chat_id);
  elsif v_taken.outcome = 'dead' then
    return json_build_object(
      'outcome', 'dead', 'attempt', v_taken.attempt, 'failures', v_taken.deaths,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_taken.attempt > 1 then  -- the worker before us may have changed it while we waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id);
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  if p_reserve and not v_banned and v_taken.reservation is distinct from 'reserved' then
    v_own_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and v_own_key is null
    and v_taken.reservation is distinct from 'reserved'
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(v_user.id, p_bot);
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_taken.reservation := case when v_reserved.reserved_on is null then 'refused' else 'reserved' end;
    update public.telegram_updates as t
       set reservation = v_taken.reservation,
           reserved_on = v_reserved.reserved_on,
           reserved_from = v_reserved.reserved_from
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
      'created_at', v_user.created_at,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'told', v_user.ban_told
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
      'timezone', private.setting('quota_timezone')
    ),
    'reservation', v_taken.reservation,
    'own_key', v_own_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, least(p_history, v_quota.history_length)
      )
      else '[]'::json
    end
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated;
grant execute on function public.receive_update to bot_backend, service_role;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';
