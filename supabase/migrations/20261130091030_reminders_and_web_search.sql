-- Reminders and web search. The wider checks replace the narrow ones in one transaction.
-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid

alter table public.subscription_limits add column reminders integer default 20;

-- What users asked to be reminded of, and when.
--
-- A moment by the clock ("tomorrow at 9") has day and time_of_day, and moves with the user's time zone. A moment counted from
-- now ("in 2 hours") has neither.

create table public.reminders (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  words text not null check (length(words) between 1 and 1000),
  day date,
  time_of_day time,
  due_at timestamptz not null,
  sent_at timestamptz,
  asked_at timestamptz,
  asked_by text,
  reference text not null,
  created_at timestamptz not null default private.clock(),
  unique (user_id, reference),
  constraint reminders_clock_check check ((day is null) = (time_of_day is null))
);

create index reminders_user_idx on public.reminders (user_id, bot, due_at) where sent_at is null;
create index reminders_due_idx on public.reminders (due_at) where sent_at is null;
create index reminders_sent_idx on public.reminders (sent_at) where sent_at is not null;

comment on table public.reminders is 'What users asked to be reminded of, and when';
comment on column public.reminders.day is 'Day of the user''s clock; null: counted from when it was set';
comment on column public.reminders.time_of_day is 'Time of the user''s clock';
comment on column public.reminders.asked_at is 'When its words were last asked as a question';
comment on column public.reminders.asked_by is 'Idempotency key of the update that asked them';
comment on column public.reminders.reference is 'Idempotency key of the update that set it';
alter table public.reminders enable row level security;
revoke all on table public.reminders from public, anon, authenticated, service_role;
revoke all on sequence public.reminders_id_seq from public, anon, authenticated, service_role;

-- Computes what a call to an AI model costs from its usage and the prices of a day, for providers that do not report the cost.
--
-- p_usage {component: quantity}, as in ai_model_prices: {"input_tokens": 900, "cached_tokens": 600, "output_tokens": 80},
-- {"second": 8}. cached_tokens are part of input_tokens, and cost the same where they have no price of their own. A quantity of
-- null is unknown. p_conditions: the parameters of the call, {"resolution": "720p", "sound": true}.
--
-- Of the prices whose conditions the call meets, the one with most conditions counts; of these the newest, and then the highest.
-- The price is that of the tokens when each kind of token has one, otherwise that of the units (image, second, …). A second is
-- a sixtieth of a minute where only the other has a price. Searches of the web (search) are added to either.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, US dollars with 8 decimals, at most 999999; null where a price or a quantity is unknown.
-- Errors: none.
create or replace function private.call_cost(
  p_provider text, p_model text, p_usage jsonb, p_conditions jsonb, p_at timestamptz
)
returns numeric
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day date := (p_at at time zone 'UTC')::date;
  v_prices jsonb;
  v_cached numeric;
  v_component text;
  v_value jsonb;
  v_quantity numeric;
  v_amount numeric;
  v_tokens numeric := 0;
  v_units numeric := 0;
  v_searches numeric := 0;
  v_has_tokens boolean := false;
  v_has_units boolean := false;
begin
  -- Of a repeated key the last value stays.
  select jsonb_object_agg(p.component, p.price_usd order by p.specificity, p.valid_from, p.price_usd)
    into v_prices
    from public.ai_model_prices as p
   where p.provider = p_provider and p.model = p_model
     and p.valid_from <= v_day
     and (p.valid_until is null or p.valid_until > v_day)
     and p_conditions @> p.conditions;
  if v_prices is null or jsonb_typeof(p_usage) is distinct from 'object' then
    return null;
  end if;
  if v_prices ? 'minute' and not v_prices ? 'second' then
    v_prices := v_prices || jsonb_build_object('second', (v_prices ->> 'minute')::numeric / 60);
  elsif v_prices ? 'second' and not v_prices ? 'minute' then
    v_prices := v_prices || jsonb_build_object('minute', (v_prices ->> 'second')::numeric * 60);
  end if;
  -- Null when one of the two is unknown: least() would ignore it.
  if jsonb_typeof(p_usage -> 'cached_tokens') = 'number' and jsonb_typeof(p_usage -> 'input_tokens') = 'number' then
    v_cached := least((p_usage ->> 'cached_tokens')::numeric, (p_usage ->> 'input_tokens')::numeric);
  end if;

  for v_component, v_value in select e.key, e.value from jsonb_each(p_usage) as e loop
    v_quantity := case when jsonb_typeof(v_value) = 'number' and v_value >= '0' then v_value::numeric end;
    v_quantity := case v_component
      when 'input_tokens' then v_quantity - coalesce(v_cached, 0)
      when 'cached_tokens' then v_cached
      else v_quantity
    end;
    v_amount := case when v_quantity = 0 then 0 else v_quantity * coalesce(
      v_prices ->> v_component, case v_component when 'cached_tokens' then v_prices ->> 'input_tokens' end
    )::numeric end;
    if right(v_component, 7) = '_tokens' then
      v_has_tokens := true;
      v_tokens := v_tokens + v_amount;
    elsif v_component = 'search' then
      v_searches := v_amount;
    else
      v_has_units := true;
      v_units := v_units + v_amount;
    end if;
  end loop;
  v_amount := v_searches
    + coalesce(
      case when v_has_tokens then v_tokens / 1000000 end,
      case when v_has_units then v_units end,
      case when not v_has_tokens and not v_has_units and p_usage ? 'search' then 0 end
    );
  return case when v_amount < 999999 then round(v_amount, 8) when v_amount is not null then 999999 end;
end
$$;

revoke all on function private.call_cost from public, anon, authenticated, service_role;
comment on function private.call_cost is 'Computes what a call to an AI model costs';

-- Lists the modes of a kind that can be used today, each with the models to try: its own, then its fallback. A model that is
-- disabled or switched off by its provider is left out, and so is a mode without a model. The setting videos_enabled takes out
-- all modes that make videos.
--
-- p_kind: as in ai_modes; 'search': those of kind chat that search the web, which 'chat' leaves out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     texts: product_texts
--     parameters: jsonb                       (the defaults of a call)
--     plan_feature: text | null
--     paid_from: 'requests' | 'balance'
--     models: [ { provider: text, model: text, parameters: jsonb, limits: jsonb, plan_feature: text | null } ]
--   } ]                                       (by position: the first one is the default)
-- Errors: none.
create or replace function public.list_ai_modes(p_kind text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'key', m.key,
          'texts', m.texts,
          'parameters', m.parameters,
          'plan_feature', m.plan_feature,
          'paid_from', m.paid_from,
          'models', u.models
        )
        order by m.position, m.key
      ),
      '[]'
    )
    from public.ai_modes as m
   cross join lateral (
     select jsonb_agg(
         jsonb_build_object(
           'provider', a.provider,
           'model', a.model,
           'parameters', a.parameters,
           'limits', a.limits,
           'plan_feature', a.plan_feature
         )
         order by (a.provider, a.model) <> (m.provider, m.model)
       ) as models
       from public.ai_models as a
      where (a.provider, a.model) in ((m.provider, m.model), (m.fallback_provider, m.fallback_model))
        and a.enabled
        and coalesce(a.shutdown_on > (private.clock() at time zone 'UTC')::date, true)
   ) as u
   where p_kind = case when m.kind = 'chat' and m.parameters ? 'searches' then 'search' else m.kind end
     and m.enabled
     and (m.kind <> 'video' or private.setting('videos_enabled')::boolean)
     and u.models is not null;
$$;

revoke all on function public.list_ai_modes from public, anon, authenticated, service_role;
grant execute on function public.list_ai_modes to bot_backend;
comment on function public.list_ai_modes is 'Lists the modes of a kind that can be used today';

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

-- Claims the words of a reminder to ask them as a question: at most once a minute, so that a double tap costs one request.
--
-- Concurrency: the row is locked; a repetition with the same p_reference is answered the same.
-- Locks: reminder.
-- Returns: jsonb
--   outcome: 'ask' | 'asked' | 'gone'
--   words: text | null
-- Errors: none.
create or replace function public.claim_reminder_question(p_user_id bigint, p_id bigint, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_reminder public.reminders;
begin
  select r.* into v_reminder from public.reminders as r where r.id = p_id and r.user_id = p_user_id for update;
  if not found then
    return jsonb_build_object('outcome', 'gone', 'words', null);
  end if;
  if v_reminder.asked_by is distinct from p_reference then
    if v_reminder.asked_at > v_now - interval '1 minute' then
      return jsonb_build_object('outcome', 'asked', 'words', null);
    end if;
    update public.reminders as r set asked_at = v_now, asked_by = p_reference where r.id = p_id;
  end if;
  return jsonb_build_object('outcome', 'ask', 'words', v_reminder.words);
end
$$;

revoke all on function public.claim_reminder_question from public, anon, authenticated, service_role;
grant execute on function public.claim_reminder_question to bot_backend;
comment on function public.claim_reminder_question is 'Claims the words of a reminder to ask them as a question';

-- Sets a reminder: at a time of the user's clock (p_day and p_time), or p_seconds from now. A time that the clock skips in
-- spring counts as the one an hour later, a time that comes twice in autumn as the second.
--
-- p_words: cut to 1000 characters.
--
-- Concurrency: once per p_reference; the user's row is locked, so that two calls at once do not exceed the limit.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'set'
--     | 'limit'                (the plan allows no more)
--     | 'past'
--     | 'too_far'              (more than 366 days ahead)
--   limit: int | null
--   due_at: timestamptz | null
--   time_zone: text
-- Errors: Z0004, no such user.
create or replace function public.create_reminder(
  p_user_id bigint, p_bot text, p_words text, p_reference text,
  p_day date default null, p_time time default null, p_seconds integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_zone text;
  v_limit integer;
  v_due timestamptz;
  v_outcome text := 'set';
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  v_zone := private.reminder_time_zone(p_user_id);
  v_limit := private.reminder_limit(p_user_id);
  select r.due_at into v_due from public.reminders as r where r.user_id = p_user_id and r.reference = p_reference;
  if not found then
    v_due := case
      when p_day is null then v_now + make_interval(secs => p_seconds) else (p_day + p_time) at time zone v_zone
    end;
    v_outcome := case
      when v_due <= v_now then 'past'
      when v_due > v_now + interval '366 days' then 'too_far'
      when (
        select count(*)
          from (select from public.reminders as r where r.user_id = p_user_id and r.sent_at is null limit v_limit) as n
      ) >= v_limit then 'limit'
      else 'set'
    end;
    if v_outcome = 'set' then
      insert into public.reminders (user_id, bot, words, day, time_of_day, due_at, reference)
      values (
        p_user_id, p_bot, left(p_words, 1000), p_day, case when p_day is not null then p_time end, v_due, p_reference
      );
    end if;
  end if;
  return jsonb_build_object('outcome', v_outcome, 'limit', v_limit, 'due_at', v_due, 'time_zone', v_zone);
end
$$;

revoke all on function public.create_reminder from public, anon, authenticated, service_role;
grant execute on function public.create_reminder to bot_backend;
comment on function public.create_reminder is 'Sets a reminder';

-- Deletes a reminder of a user.
--
-- Concurrency: the row is locked; of two calls one deletes it.
-- Locks: reminder.
-- Returns: jsonb
--   is_deleted: boolean     (false: it was deleted before, or is not the user's)
-- Errors: none.
create or replace function public.delete_reminder(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.reminders as r where r.id = p_id and r.user_id = p_user_id;
  return jsonb_build_object('is_deleted', found);
end
$$;

revoke all on function public.delete_reminder from public, anon, authenticated, service_role;
grant execute on function public.delete_reminder to bot_backend;
comment on function public.delete_reminder is 'Deletes a reminder of a user';

-- Enqueues the messages of reminders that are due, at most p_limit, late ones too. A reminder stays for 30 days, for its
-- buttons. Reminders of users who are banned or blocked the bot are deleted.
--
-- Concurrency: a reminder is locked, skipped by other runs, and marked as sent in the transaction that enqueues its message.
-- Locks: reminders (FOR UPDATE SKIP LOCKED), by due_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_due_reminders(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select r.id, r.user_id, r.bot, r.words,
           u.banned_at is null and u.is_active and not exists (
             select
               from public.bot_sessions as s
              where s.user_id = u.id and s.bot = r.bot and s.chat_id = u.telegram_id and s.is_blocked
           ) as is_reachable
      from public.reminders as r
      join public.users as u on u.id = r.user_id
     where r.sent_at is null and r.due_at <= v_now
     order by r.due_at, r.id
     limit p_limit
       for update of r skip locked
  loop
    v_checked := v_checked + 1;
    if not v_due.is_reachable then
      delete from public.reminders as r where r.id = v_due.id;
      continue;
    end if;
    update public.reminders as r set sent_at = v_now, asked_at = null where r.id = v_due.id;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_due.user_id, v_due.bot, 'remind_due', jsonb_build_object('words', v_due.words),
      jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'remind_button_ask', 'data', 'remind:ask:' || v_due.id)),
        jsonb_build_array(
          jsonb_build_object('key', 'remind_button_hour', 'data', 'remind:hour:' || v_due.id),
          jsonb_build_object('key', 'remind_button_tomorrow', 'data', 'remind:tomorrow:' || v_due.id)
        )
      )
    );
  end loop;
  with old as (
    select r.id
      from public.reminders as r
     where r.sent_at < v_now - interval '30 days'
     order by r.sent_at
     limit p_limit
       for update skip locked
  )
  delete from public.reminders as r
   using old
   where r.id = old.id;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_due_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_due_reminders to bot_backend;
comment on function public.enqueue_due_reminders is 'Enqueues the messages of reminders that are due';

-- Returns a user's reminders in a bot that are still to come, the next first, at most 100, with the
-- time zone of the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   clock: timestamptz         (the present)
--   time_zone: text
--   reminders: [ { id: bigint, words: text, due_at: timestamptz } ]
-- Errors: none.
create or replace function public.list_reminders(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'clock', private.clock(),
    'time_zone', private.reminder_time_zone(p_user_id),
    'reminders', (
      select coalesce(
          jsonb_agg(jsonb_build_object('id', n.id, 'words', n.words, 'due_at', n.due_at) order by n.due_at, n.id),
          '[]'::jsonb
        )
        from (
          select r.id, r.words, r.due_at
            from public.reminders as r
           where r.user_id = p_user_id and r.bot = p_bot and r.sent_at is null
           order by r.due_at
           limit 100
        ) as n
    )
  );
end
$$;

revoke all on function public.list_reminders from public, anon, authenticated, service_role;
grant execute on function public.list_reminders to bot_backend;
comment on function public.list_reminders is 'Returns a user''s reminders in a bot';

-- Moves the reminders of a user that name a time of the clock to a time zone. One whose time is over there becomes due.
--
-- Concurrency: the caller has locked the user; a reminder that a job sends meanwhile keeps its moment.
-- Locks: reminders.
-- Returns: void
-- Errors: none.
create or replace function private.move_reminders(p_user_id bigint, p_time_zone text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.reminders as r
     set due_at = (r.day + r.time_of_day) at time zone p_time_zone
   where r.user_id = p_user_id and r.sent_at is null and r.day is not null;
end
$$;

revoke all on function private.move_reminders from public, anon, authenticated, service_role;
comment on function private.move_reminders is 'Moves the reminders of a user to a time zone';

-- Returns how many reminders a user may have at once, as the plan allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, null without a limit.
-- Errors: none.
create or replace function private.reminder_limit(p_user_id bigint)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case when l.reminders < 0 then 0 else l.reminders end
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
$$;

revoke all on function private.reminder_limit from public, anon, authenticated, service_role;
comment on function private.reminder_limit is 'Returns how many reminders a user may have at once';

-- Returns the IANA time zone of a user's reminders: the one chosen last, at once; or that of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.reminder_time_zone(p_user_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (select coalesce(s.next_time_zone, s.time_zone) from public.streaks as s where s.user_id = p_user_id),
    private.setting('quota_timezone')
  );
end
$$;

revoke all on function private.reminder_time_zone from public, anon, authenticated, service_role;
comment on function private.reminder_time_zone is 'Returns the time zone of a user''s reminders';

-- Sends a reminder once more: p_seconds from now, or tomorrow at this time of the user's clock (null).
--
-- Concurrency: the row is locked; while it is still to come, another call changes nothing.
-- Locks: reminder.
-- Returns: jsonb
--   due_at: timestamptz | null     (null: it no longer exists)
--   time_zone: text
-- Errors: none.
create or replace function public.snooze_reminder(p_user_id bigint, p_id bigint, p_seconds integer default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_zone constant text := private.reminder_time_zone(p_user_id);
  v_next constant timestamp := date_trunc('minute', v_now at time zone v_zone) + interval '1 day';
  v_due timestamptz;
begin
  update public.reminders as r
     set sent_at = null,
         day = case when p_seconds is null then v_next::date end,
         time_of_day = case when p_seconds is null then v_next::time end,
         due_at = case when p_seconds is null then v_next at time zone v_zone else v_now + make_interval(secs => p_seconds) end
   where r.id = p_id and r.user_id = p_user_id and r.sent_at is not null
  returning r.due_at into v_due;
  if v_due is null then
    select r.due_at into v_due from public.reminders as r where r.id = p_id and r.user_id = p_user_id;
  end if;
  return jsonb_build_object('due_at', v_due, 'time_zone', v_zone);
end
$$;

revoke all on function public.snooze_reminder from public, anon, authenticated, service_role;
grant execute on function public.snooze_reminder to bot_backend;
comment on function public.snooze_reminder is 'Sends a reminder once more';

-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   extra_requests: what a served request costs beyond one request (private.charge_extra_requests)
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
    if p_session ? 'extra_requests' and v_update.reservation = 'reserved' then
      perform private.charge_extra_requests(v_update, (p_session ->> 'extra_requests')::integer);
    end if;
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

-- Takes what an answer costs beyond its one request: from the plan while its day and its month have some left, then from bonus
-- credits. What is not left is not taken: the handler has checked before, and questions at once may have passed that together.
--
-- p_update: a served update, whose reserved_on is the day.
--
-- Concurrency: the user's row is locked; the caller holds the update row and calls once.
-- Locks: user (NO KEY UPDATE), daily_usage, monthly_usage.
-- Returns: void
-- Errors: none.
create or replace function private.charge_extra_requests(p_update public.telegram_updates, p_count integer)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user record;
  v_quota record;
  v_plan integer;
  v_bonus integer;
begin
  select u.vip_level, u.bonus_credits into v_user
    from public.users as u
   where u.id = p_update.user_id
     for no key update;
  v_quota := private.quota(p_update.user_id, v_user.vip_level);
  -- least() leaves out what is null: without a limit.
  v_plan := greatest(
    least(p_count, v_quota.daily_requests - v_quota.requests, v_quota.monthly_requests - v_quota.month_requests), 0
  );
  v_bonus := least(p_count - v_plan, v_user.bonus_credits);
  if v_bonus > 0 then
    update public.users as u set bonus_credits = u.bonus_credits - v_bonus where u.id = p_update.user_id;
  end if;
  update public.daily_usage as u
     set requests = u.requests + v_plan, bonus_requests = u.bonus_requests + v_bonus
   where u.user_id = p_update.user_id and u.bot = p_update.bot and u.day = p_update.reserved_on;
  update public.monthly_usage as u
     set requests = u.requests + v_plan, bonus_requests = u.bonus_requests + v_bonus
   where u.user_id = p_update.user_id and u.month = date_trunc('month', p_update.reserved_on::timestamp)::date;
end
$$;

revoke all on function private.charge_extra_requests from public, anon, authenticated, service_role;
comment on function private.charge_extra_requests is 'Takes what an answer costs beyond its one request';

-- Records an update's calls to AI providers: a row per call, and the counters of the user and the day.
--
-- p_usage: [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in, tokens_out, tokens_cached, cost,
-- is_estimate, is_user_api_key, searches}] in the order of the calls; the last one produced the answer, if any did. p_is_settled: a
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
      tokens_in, tokens_out, tokens_cached, cost, is_user_api_key, created_at
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
      private.usage_count(v_call ->> 'tokens_cached'), v_cost, coalesce((v_call ->> 'is_user_api_key')::boolean, false), v_now
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

-- Sets the time zone of a user's days. It applies from the next midnight of the zone before on, or at once while no day has
-- counted, and changes at most once in 24 hours. It never breaks a streak. Reminders move to it at once.
--
-- Concurrency: the user's row is locked; before midnight the last call wins.
-- Locks: user (NO KEY UPDATE), streak, reminders.
-- Returns: jsonb
--   outcome: 'set'             (at once)
--     | 'scheduled'            (from the next midnight on)
--     | 'unchanged'            (it is the zone already)
--     | 'too_soon'             (it changed less than 24 hours ago)
--     | 'unknown_zone'         (no IANA name)
--   ...private.streak_state
-- Errors: Z0004, no such user.
create or replace function public.set_time_zone(p_user_id bigint, p_time_zone text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_zone constant text := private.known_time_zone(p_time_zone);
  v_present constant text := coalesce(v_streak.time_zone, private.setting('quota_timezone'));
  v_outcome text;
begin
  v_outcome := case
    when v_zone is null then 'unknown_zone'
    when v_zone = v_present then 'unchanged'
    when v_streak.last_day is null then 'set'
    when v_streak.zone_changed_at > v_now - interval '24 hours' then 'too_soon'
    else 'scheduled'
  end;
  if v_outcome in ('set', 'unchanged') then
    v_streak.time_zone := v_zone;
    v_streak.next_time_zone := null;
    v_streak.zone_changes_at := null;
  elsif v_outcome = 'scheduled' then
    v_streak.next_time_zone := v_zone;
    v_streak.zone_changes_at := (private.local_day(v_streak, v_now) + 1)::timestamp at time zone v_present;
  end if;
  perform private.store_streak(v_streak);
  if v_outcome <> 'too_soon' and v_outcome <> 'unknown_zone' then
    perform private.move_reminders(p_user_id, v_zone);
  end if;
  return private.streak_state(v_streak, v_now) || jsonb_build_object('outcome', v_outcome);
end
$$;

revoke all on function public.set_time_zone from public, anon, authenticated, service_role;
grant execute on function public.set_time_zone to bot_backend;
comment on function public.set_time_zone is 'Sets the time zone of a user''s days';

alter table public.ai_model_prices drop constraint ai_model_prices_component_check;

alter table public.ai_model_prices add constraint ai_model_prices_component_check CHECK ((component = ANY (ARRAY['input_tokens'::text, 'cached_tokens'::text, 'output_tokens'::text, 'image_input_tokens'::text, 'image_output_tokens'::text, 'audio_input_tokens'::text, 'audio_output_tokens'::text, 'video_output_tokens'::text, 'image'::text, 'second'::text, 'minute'::text, 'clip'::text, 'request'::text, 'search'::text])));

comment on column public.ai_model_prices.component is '*_tokens: cached_tokens are part of input_tokens; otherwise what is counted; search: one of the web, beside the tokens';

comment on column public.subscription_limits.reminders is 'Reminders that a user may have at once; null: no limit';

insert into public.ai_model_prices ("model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until") select "model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until"
from jsonb_populate_record(null::public.ai_model_prices, '{"model": "claude-haiku-5-5", "source": "platform.claude.com/docs/en/about-claude/pricing", "provider": "anthropic", "component": "search", "price_usd": 0.01, "conditions": {}, "valid_from": "-infinity", "valid_until": null}') on conflict do nothing;

insert into public.ai_model_prices ("model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until") select "model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until"
from jsonb_populate_record(null::public.ai_model_prices, '{"model": "claude-sonnet-5", "source": "platform.claude.com/docs/en/about-claude/pricing", "provider": "anthropic", "component": "search", "price_usd": 0.01, "conditions": {}, "valid_from": "-infinity", "valid_until": null}') on conflict do nothing;

insert into public.ai_model_prices ("model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until") select "model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until"
from jsonb_populate_record(null::public.ai_model_prices, '{"model": "gemini-3.8-flash", "source": "ai.google.dev/gemini-api/docs/pricing, after the free ones", "provider": "gemini", "component": "search", "price_usd": 0.014, "conditions": {}, "valid_from": "-infinity", "valid_until": null}') on conflict do nothing;

insert into public.ai_model_prices ("model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until") select "model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until"
from jsonb_populate_record(null::public.ai_model_prices, '{"model": "gpt-5-mini", "source": "developers.openai.com/api/docs/pricing", "provider": "openai", "component": "search", "price_usd": 0.01, "conditions": {}, "valid_from": "-infinity", "valid_until": null}') on conflict do nothing;

insert into public.ai_model_prices ("model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until") select "model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until"
from jsonb_populate_record(null::public.ai_model_prices, '{"model": "gpt-5.4-mini", "source": "developers.openai.com/api/docs/pricing", "provider": "openai", "component": "search", "price_usd": 0.01, "conditions": {}, "valid_from": "-infinity", "valid_until": null}') on conflict do nothing;

insert into public.ai_modes ("key", "kind", "model", "texts", "enabled", "position", "provider", "paid_from", "parameters", "plan_feature", "fallback_model", "fallback_provider") select "key", "kind", "model", "texts", "enabled", "position", "provider", "paid_from", "parameters", "plan_feature", "fallback_model", "fallback_provider"
from jsonb_populate_record(null::public.ai_modes, '{"key": "web", "kind": "chat", "model": "gpt-5.4-mini", "texts": {"en": {"title": "Search the web", "description": "answers from current pages and shows the sources"}, "ru": {"title": "Поиск в интернете", "description": "отвечает по свежим страницам и показывает источники"}}, "enabled": true, "position": 10, "provider": "openai", "paid_from": "requests", "parameters": {"requests": 2, "searches": 3}, "plan_feature": null, "fallback_model": "openai/gpt-5.4-mini", "fallback_provider": "openrouter"}') on conflict do nothing;
