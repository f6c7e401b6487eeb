-- Account pages.

alter table public.user_sessions add column exported_at timestamp with time zone;

-- Returns what the first page of an account and its settings show of a user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     created_at: timestamptz
--     balance: numeric
--     currency: text                  (of the balance)
--     bonus_credits: int
--     language: text | null           (chosen by the user)
--     price_currency: text | null     (chosen by the user)
--     receipt_contact: text | null    (of the private chat that was used last)
--   } | null                          (no such user)
-- Errors: none.
create or replace function public.account_overview(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'created_at', u.created_at,
      'balance', u.balance::text,
      'currency', private.setting('balance_currency'),
      'bonus_credits', u.bonus_credits,
      'language', u.language,
      'price_currency', u.price_currency,
      'receipt_contact', (
        select s.session_data ->> 'receipt_contact'
          from public.bot_sessions as s
         where s.user_id = u.id and s.chat_id = u.telegram_id and s.session_data ? 'receipt_contact'
         order by s.updated_at desc
         limit 1
      )
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function public.account_overview from public, anon, authenticated, service_role;
grant execute on function public.account_overview to bot_backend;
comment on function public.account_overview is 'What the first page of an account shows';

-- Sets what a user prefers in all bots and on the site: the language, and the currency of prices.
--
-- p_language, p_price_currency: null leaves it.
--
-- Concurrency: the last call counts.
-- Locks: user.
-- Returns: void
-- Errors: none.
create or replace function public.set_preferences(
  p_user_id bigint, p_language text default null, p_price_currency text default null
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.users as u
     set language = coalesce(p_language, u.language), price_currency = coalesce(p_price_currency, u.price_currency)
   where u.id = p_user_id;
$$;

revoke all on function public.set_preferences from public, anon, authenticated, service_role;
grant execute on function public.set_preferences to bot_backend;
comment on function public.set_preferences is 'Sets the language and the currency that a user prefers';

-- Stores the e-mail address or phone number for a user's receipts where the bots look for it: in the session of each private
-- chat. Also changes it for the renewals that have not ended (public.change_receipt_contact).
--
-- p_contact: null deletes it; the receipts of running renewals keep theirs.
--
-- Concurrency: the last call counts.
-- Locks: user (KEY SHARE), sessions, then as public.change_receipt_contact.
-- Returns: jsonb
--   chats: int                 (private chats; 0: the user has none, and nothing is stored)
-- Errors: none.
create or replace function public.set_receipt_contact(p_user_id bigint, p_contact text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_chats integer;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  update public.bot_sessions as s
     set session_data = case
           when p_contact is null then s.session_data - 'receipt_contact'
           else s.session_data || jsonb_build_object('receipt_contact', p_contact)
         end,
         updated_at = private.clock()
    from public.users as u
   where u.id = p_user_id and s.user_id = u.id and s.chat_id = u.telegram_id;
  get diagnostics v_chats = row_count;
  if p_contact is not null then
    perform public.change_receipt_contact(p_user_id, p_contact);
  end if;
  return jsonb_build_object('chats', v_chats);
end
$$;

revoke all on function public.set_receipt_contact from public, anon, authenticated, service_role;
grant execute on function public.set_receipt_contact to bot_backend;
comment on function public.set_receipt_contact is 'Stores the contact for a user''s receipts';

-- Allows a session to download the user's data, once an hour: the file costs as much as a hundred pages.
--
-- Concurrency: the session's row is locked, so of two calls at once one is allowed.
-- Locks: session.
-- Returns: jsonb
--   wait: int                  (seconds until the next download; 0: this one is allowed)
-- Errors: none.
create or replace function public.claim_export(p_user_id bigint, p_session_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_free_at timestamptz;
begin
  select s.exported_at + interval '1 hour' into v_free_at
    from public.user_sessions as s
   where s.id = p_session_id and s.user_id = p_user_id
     for update;
  if v_free_at > v_now then
    return jsonb_build_object('wait', ceil(extract(epoch from v_free_at - v_now))::integer);
  end if;
  update public.user_sessions as s set exported_at = v_now where s.id = p_session_id and s.user_id = p_user_id;
  return jsonb_build_object('wait', 0);
end
$$;

revoke all on function public.claim_export from public, anon, authenticated, service_role;
grant execute on function public.claim_export to bot_backend;
comment on function public.claim_export is 'Allows a session to download the user''s data';

-- Erases a user who asked for it on the site, as /deleteme does in a chat (private.erase_user).
--
-- p_hash: the key of the tombstone in erased_users. p_balance: the balance that the user agreed to lose.
--
-- Concurrency: the user is locked exclusively first, as finish_update does: every other change of the user's data is committed,
--   or will find no user. Of two calls one erases.
-- Locks: user (FOR UPDATE), then as private.erase_user.
-- Returns: jsonb
--   outcome: 'erased' | 'unknown'
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function public.erase_account(p_user_id bigint, p_hash text, p_balance numeric)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
begin
  perform from public.users as u where u.id = p_user_id for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  -- No update asked for it, so none keeps its answer.
  v_update.user_id := p_user_id;
  perform private.erase_user(v_update, jsonb_build_object('hash', p_hash, 'balance', p_balance));
  return jsonb_build_object('outcome', 'erased');
end
$$;

revoke all on function public.erase_account from public, anon, authenticated, service_role;
grant execute on function public.erase_account to bot_backend;
comment on function public.erase_account is 'Erases a user who asked for it on the site';

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
    perform public.set_preferences(p_update.user_id, p_changes ->> 'language', p_changes ->> 'price_currency');
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

comment on column public.user_sessions.exported_at is 'Time of the last download of all data';
