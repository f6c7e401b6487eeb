-- Images.

-- Returns what the owner offers, so that menus and help show nothing else.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   currencies: [ text ]   (in which products on sale have prices)
--   referrals: boolean
--   trial_days: int
--   channel_trainings: int
--   image_providers: [ text ]   (of the modes that make pictures)
-- Errors: none.
create or replace function public.offered_features()
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'currencies', (
      select coalesce(jsonb_agg(distinct c.currency), '[]'::jsonb)
        from public.products as p
        join public.product_prices as c on c.product_key = p.key
       where p.is_active
    ),
    'referrals', private.setting('referral_referrer_credits')::integer > 0
      or private.setting('referral_referred_credits')::integer > 0,
    'trial_days', private.setting('trial_days')::integer,
    'channel_trainings', private.setting('channel_trainings')::integer,
    'image_providers', (
      select coalesce(jsonb_agg(distinct p.provider), '[]'::jsonb)
        from public.ai_modes as m
       cross join lateral (values (m.provider), (m.fallback_provider)) as p (provider)
       where m.kind = 'image' and m.enabled and p.provider is not null
    )
  );
$$;

revoke all on function public.offered_features from public, anon, authenticated, service_role;
grant execute on function public.offered_features to bot_backend;
comment on function public.offered_features is 'Returns what the owner offers';

-- Ends a job without a result: gives back everything that was taken, frees its slot, and enqueues the message that says so,
-- with the buttons of request.buttons.<state>; {id} in them is the job.
--
-- Concurrency: the caller has locked the job and its user, and the job is not over.
-- Locks: as private.release_generation.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.close_generation(p_job public.generations, p_state text, p_cause text, p_error text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_parameters jsonb;
  v_outgoing jsonb := private.delete_status_message(p_job);
begin
  perform private.release_generation(p_job);
  update public.generations as g
     set state = p_state,
         cause = p_cause,
         error = coalesce(left(p_error, 1000), g.error),
         slot = null,
         usage = null,
         due_at = null,
         lease_until = null,
         ended_at = v_now,
         delete_at = private.generation_end(v_now)
   where g.id = p_job.id;
  if p_state = 'canceled' then
    return v_outgoing;
  end if;
  select jsonb_build_object(
      'chat_id', p_job.chat_id,
      'key', case
        when p_cause = 'answered_in_text' then 'generation_answered'
        else format('generation_%s_%s', p_state, p_job.kind)
      end,
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', case
        when p_cause = 'answered_in_text' then jsonb_build_object('answer', left(p_error, 1000))
        else '{}'::jsonb
      end
    ) || jsonb_strip_nulls(
      jsonb_build_object(
        'message_thread_id', nullif(p_job.thread_id, 0),
        'reply_parameters', case
          when p_job.reply_to is not null
            then jsonb_build_object('message_id', p_job.reply_to, 'allow_sending_without_reply', true)
        end,
        'buttons', replace((p_job.request -> 'buttons' -> p_state)::text, '{id}', p_job.id::text)::jsonb
      )
    )
    into v_parameters
    from public.users as u
   where u.id = p_job.user_id;
  return v_outgoing || jsonb_build_array(
    jsonb_build_object(
      'bot', p_job.bot,
      'id', (private.enqueue_calls(
        p_job.bot, null, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'template',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.close_generation from public, anon, authenticated, service_role;
comment on function private.close_generation is 'Ends a job without a result';

-- Returns what a user asked for with a job, and its files, for making it again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'
--   request?: jsonb                                     (found, as all that follows)
--   state?: text
--   files?: [ { key: text | null, mime: text | null, width: int | null, height: int | null, duration: numeric | null } ]
--   telegram_files?: [ { kind: text, file_id: text } ]
-- Errors: none.
create or replace function public.get_generation_request(p_user_id bigint, p_bot text, p_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (
        select jsonb_build_object(
            'outcome', 'found', 'request', g.request, 'state', g.state, 'files', g.files, 'telegram_files', g.telegram_files
          )
          from public.generations as g
         where g.id = p_id and g.user_id = p_user_id and g.bot = p_bot
      ),
      jsonb_build_object('outcome', 'unknown')
    );
$$;

revoke all on function public.get_generation_request from public, anon, authenticated, service_role;
grant execute on function public.get_generation_request to bot_backend;
comment on function public.get_generation_request is 'Returns what a user asked for with a job';

-- Lists a user's delivered jobs of a kind in a bot, the newest first.
--
-- p_before: the id below which the page begins; null: at the newest.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, prompt: text, created_at: timestamptz } ]
-- Errors: none.
create or replace function public.list_generations(
  p_user_id bigint, p_bot text, p_kind text, p_limit integer, p_before bigint default null
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object('id', g.id, 'prompt', coalesce(g.request -> 'wish' ->> 'words', g.request ->> 'prompt', ''), 'created_at', g.created_at)
        order by g.id desc
      ),
      '[]'
    )
    from (
      select o.id, o.request, o.created_at
        from public.generations as o
       where o.user_id = p_user_id and o.bot = p_bot and o.kind = p_kind and o.state = 'delivered'
         and (p_before is null or o.id < p_before)
       order by o.id desc
       limit p_limit
    ) as g;
$$;

revoke all on function public.list_generations from public, anon, authenticated, service_role;
grant execute on function public.list_generations to bot_backend;
comment on function public.list_generations is 'Lists a user''s delivered jobs';

-- Hands a job whose provider failed to the next one of request.fallbacks: [{provider, model, options}].
--
-- Concurrency: see private.lease_generation. A repeated call finds the state reserved and changes nothing. A callback of the
--   former provider is that of an unknown job.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'switched' | 'none' | 'superseded'   (none: there is no other provider, or the deadline has passed)
-- Errors: none.
create or replace function public.switch_generation(p_id bigint, p_attempt integer, p_error text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_next jsonb := v_job.request -> 'fallbacks' -> 0;
begin
  if v_job.state is null or v_job.state not in ('reserved', 'submitting', 'submitted') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_next is null or v_job.deadline <= private.clock() then
    return jsonb_build_object('outcome', 'none');
  end if;
  update public.generations as g
     set state = 'reserved',
         provider = v_next ->> 'provider',
         model = v_next ->> 'model',
         request = g.request || jsonb_build_object(
           'options', v_next -> 'options', 'fallbacks', (g.request -> 'fallbacks') - 0
         ),
         provider_job_id = null,
         submissions = 0,
         polls = 0,
         submitted_at = null,
         error = left(p_error, 1000),
         due_at = private.clock(),
         lease_until = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'switched');
end
$$;

revoke all on function public.switch_generation from public, anon, authenticated, service_role;
grant execute on function public.switch_generation to bot_backend;
comment on function public.switch_generation is 'Hands a job whose provider failed to the next one';

-- Returns the most that pictures cost: what the provider charges for one, and for how many requests of a plan it counts
-- (setting picture_request_cost).
--
-- p_calls: [{provider, model, conditions}], as private.call_cost takes them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   prices: [ { cost: numeric | null, requests: int | null } ]   (in the order of p_calls; null: the price is unknown)
--   made_with_ai: boolean                                         (the caption says so)
-- Errors: none.
create or replace function public.quote_pictures(p_calls jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'prices', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'cost', p.cost::text,
            -- Of null and 1, least and greatest return 1.
            'requests', case when p.cost is not null then least(
              greatest(ceil(p.cost / greatest(private.setting('picture_request_cost')::numeric, 0.0001)), 1), 1000
            )::integer end
          )
          order by c.number
        ),
        '[]'
      ),
      'made_with_ai', private.setting('made_with_ai')::boolean
    )
    from jsonb_array_elements(p_calls) with ordinality as c (call, number)
   cross join lateral (
     select private.call_cost(
         c.call ->> 'provider', c.call ->> 'model', '{"image": 1}', c.call -> 'conditions', private.clock()
       ) as cost
   ) as p;
$$;

revoke all on function public.quote_pictures from public, anon, authenticated, service_role;
grant execute on function public.quote_pictures to bot_backend;
comment on function public.quote_pictures is 'Returns the most that pictures cost';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further.
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
  p_cost numeric default 0
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
       and m.message_id = v_edited and m.role = 'user'
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
        p_history_characters
      )
      else '[]'::json
    end,
    'edited_question', v_edited_question
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

comment on column public.bot_sessions.mode is 'Chat mode: a key of shared/ai/modes.py, or image:<key of ai_modes>';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "made_with_ai", "about": "Pictures say in their caption that an AI made them; false: they do not", "value": true}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "picture_request_cost", "about": "US dollars of a picture that one request of a plan covers; a dearer picture takes more requests", "value": 0.05}') on conflict do nothing;
