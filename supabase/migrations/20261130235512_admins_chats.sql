-- Admins chats.

-- Admins' chats (settings alarms_chat and purchases_chat) in which a bot could not write. Their messages go to the admins' private
-- chats until an admin sends /here in that chat, or the setting names another one.

create table private.unreachable_chats (
  address text primary key,
  error text not null,
  created_at timestamptz not null default private.clock()
);

comment on table private.unreachable_chats is 'Admins'' chats in which a bot could not write';
comment on column private.unreachable_chats.address is 'bot:chat or bot:chat:topic, as the settings name it';
comment on column private.unreachable_chats.error is 'Why Telegram refused the message';
alter table private.unreachable_chats enable row level security;
revoke all on table private.unreachable_chats from public, anon, authenticated, service_role;

-- Returns the address of a chat or topic for the settings alarms_chat and purchases_chat, and what it is used for now. A
-- chat that could not be reached gets messages again.
--
-- Concurrency: repeatable.
-- Locks: the row of the unreachable chat.
-- Returns: jsonb
--   address: text
--   has_alarms: boolean
--   has_purchases: boolean
-- Errors: N0001 not an admin.
create or replace function public.admin_here(p_admin_email text, p_bot text, p_chat_id bigint, p_thread_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_address constant text := concat_ws(':', p_bot, p_chat_id, nullif(p_thread_id, 0));
begin
  perform private.require_admin(p_admin_email);
  delete from private.unreachable_chats as c where c.address = v_address;
  return jsonb_build_object(
    'address', v_address,
    'has_alarms', private.setting('alarms_chat') = v_address,
    'has_purchases', private.setting('purchases_chat') = v_address
  );
end
$$;

revoke all on function public.admin_here from public, anon, authenticated, service_role;
grant execute on function public.admin_here to bot_backend;
comment on function public.admin_here is 'The address of a chat for the settings of the admins'' chats';

-- Enqueues a templated message for the admins' chat that a setting names (alarms_chat, purchases_chat), in the language of the
-- first admin. Buttons with data are left out: admins use them in private. `returns` is what brings the message to the private
-- chats if Telegram refuses it here (private.return_chat_messages).
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the message to deliver now (outgoing); empty where the setting is off or the chat cannot be reached.
-- Errors: none.
create or replace function private.enqueue_chat_message(
  p_setting text, p_key text, p_values jsonb, p_buttons jsonb, p_bot text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_address constant text := private.setting(p_setting);
  v_part constant text[] := string_to_array(v_address, ':');
  v_languages jsonb;
  v_parameters jsonb;
begin
  if v_address = 'off' or exists (select from private.unreachable_chats as c where c.address = v_address) then
    return '[]'::jsonb;
  end if;
  select jsonb_build_array(u.language, u.language_code) into v_languages
    from private.admin_accounts() as a
    join public.users as u on u.telegram_id = a.telegram_id
   order by a.created_at, a.email
   limit 1;
  v_parameters := jsonb_build_object(
    'chat_id', v_part[2]::bigint,
    'key', p_key,
    'languages', coalesce(v_languages, jsonb_build_array(private.setting('default_language'))),
    'timezone', private.setting('quota_timezone'),
    'values', p_values,
    'returns', jsonb_build_object('address', v_address, 'bot', p_bot, 'buttons', p_buttons)
  ) || jsonb_strip_nulls(
    jsonb_build_object(
      'message_thread_id', v_part[3]::bigint,
      'buttons', jsonb_path_query_array(p_buttons, '$[*] ? (@.url.type() == "string")')
    )
  );
  return jsonb_build_array(
    jsonb_build_object(
      'bot', v_part[1],
      'id', (private.enqueue_calls(
        v_part[1], null, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'template',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.enqueue_chat_message from public, anon, authenticated, service_role;
comment on function private.enqueue_chat_message is 'Enqueues a templated message for an admins'' chat';

-- Lets the settings of the admins' chats name the supergroup that a group became, and sends the admins one notice for each: the
-- next deployment would write the old address again.
--
-- Concurrency: the setting is locked; a second report finds nothing to change.
-- Locks: the rows of the settings, by key.
-- Returns: void
-- Errors: none.
create or replace function private.move_admin_chats(p_old bigint, p_new bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_chat record;
  v_address text;
begin
  for v_chat in
    select s.key, split_part(s.value #>> '{}', ':', 1) as bot
      from private.settings as s
     where s.key in ('alarms_chat', 'purchases_chat') and split_part(s.value #>> '{}', ':', 2) = p_old::text
     order by s.key
       for no key update
  loop
    v_address := format('%s:%s', v_chat.bot, p_new);
    update private.settings as s set value = to_jsonb(v_address) where s.key = v_chat.key;
    perform private.notify_each_admin(
      'admin_chat_moved', jsonb_build_object('line', format('%s=%s', upper(v_chat.key), v_address)), null, v_chat.bot
    );
  end loop;
end
$$;

revoke all on function private.move_admin_chats from public, anon, authenticated, service_role;
comment on function private.move_admin_chats is 'Lets the admins'' chats follow a group that became a supergroup';

-- Enqueues a templated message for the admins: in the chat of the setting alarms_chat, otherwise in the private chats of all of
-- them (private.notify_each_admin). A message for the one with p_admin_email goes to that admin's private chat.
--
-- Concurrency: every call enqueues the messages again; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.notify_admins(
  p_key text, p_values jsonb, p_buttons jsonb default null, p_bot text default null, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages jsonb := '[]'::jsonb;
begin
  if p_admin_email is null then
    v_messages := private.enqueue_chat_message('alarms_chat', p_key, p_values, p_buttons, p_bot);
  end if;
  if v_messages = '[]' then
    return private.notify_each_admin(p_key, p_values, p_buttons, p_bot, p_admin_email);
  end if;
  return v_messages;
end
$$;

revoke all on function private.notify_admins from public, anon, authenticated, service_role;
comment on function private.notify_admins is 'Enqueues a templated message for the admins';

-- Enqueues a templated message for the private chats of the admins: all of them, or the one with p_admin_email. Each receives it
-- in p_bot if they have started that bot, otherwise in the bot they used last. For an owner who has not started any bot, and while no admin can be
-- reached, the message is stored until one starts a bot (private.store_waiting_alarm).
--
-- Concurrency: every call enqueues the messages again; the caller calls once per event. A recipient is checked once, so that
--   the message is either enqueued or stored, never both.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing): one for each admin who can be reached.
-- Errors: none.
create or replace function private.notify_each_admin(
  p_key text, p_values jsonb, p_buttons jsonb default null, p_bot text default null, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_admin record;
  v_message jsonb;
  v_messages jsonb := '[]'::jsonb;
  v_is_stored boolean := false;
begin
  for v_admin in
    select a.email, a.is_owner, u.id as user_id, private.reachable_bot(u.id, u.telegram_id, p_bot) as bot
      from private.admin_accounts() as a
      left join public.users as u on u.telegram_id = a.telegram_id
     where a.telegram_id is not null and (p_admin_email is null or a.email = p_admin_email)
     order by a.email
  loop
    v_message := private.enqueue_user_message(v_admin.user_id, v_admin.bot, p_key, p_values, p_buttons);
    if v_message = '[]' and v_admin.is_owner then
      perform private.store_waiting_alarm(v_admin.email, p_bot, p_key, p_values, p_buttons);
      v_is_stored := true;
    end if;
    v_messages := v_messages || v_message;
  end loop;
  if v_messages = '[]' and not v_is_stored and p_admin_email is null then
    perform private.store_waiting_alarm(null, p_bot, p_key, p_values, p_buttons);
  end if;
  return v_messages;
end
$$;

revoke all on function private.notify_each_admin from public, anon, authenticated, service_role;
comment on function private.notify_each_admin is 'Enqueues a templated message for the private chats of the admins';

-- Enqueues a notice of a purchase or renewal for the chat of the setting purchases_chat: product, amount, provider, bot and the
-- number of the payment, nothing about the buyer. Where that chat cannot be reached, the admins get it in private; where the
-- setting is off, there is none. The sweep delivers it, so that the buyer's messages come first.
--
-- Concurrency: every call enqueues one notice; the caller calls once per payment.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.notify_purchase(p_payment public.payments, p_product_key text, p_bot text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key constant text := case when p_payment.renewal_id is null then 'admin_purchase' else 'admin_purchase_renewed' end;
  v_values jsonb;
  v_messages jsonb;
begin
  if private.setting('purchases_chat') = 'off' then
    return;
  end if;
  v_values := jsonb_build_object(
    'title', private.product_titles(p_product_key),
    'payment', p_payment.id,
    'provider', jsonb_build_object('provider', p_payment.provider),
    'money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency),
    'bot', p_bot
  );
  v_messages := private.enqueue_chat_message('purchases_chat', v_key, v_values, null, p_bot);
  if v_messages = '[]' then
    v_messages := private.notify_each_admin(v_key, v_values, null, p_bot);
  end if;
  update public.telegram_outbox as o
     set send_after = private.clock()
    from jsonb_array_elements(v_messages) as m (value)
   where o.id = (m.value ->> 'id')::bigint;
end
$$;

revoke all on function private.notify_purchase from public, anon, authenticated, service_role;
comment on function private.notify_purchase is 'Enqueues a notice of a purchase for the admins';

-- Brings messages for an admins' chat that Telegram refused, or that could not be delivered for a day, to the private chats of
-- the admins. A chat that was refused gets no more messages (private.unreachable_chats); the admins get one notice of it.
--
-- p_results: see public.record_deliveries, which deletes the refused messages afterwards.
--
-- Concurrency: the chat's row is inserted once, so that of several refusals one sends the notice.
-- Locks: the rows of the chats, by address.
-- Returns: void
-- Errors: none.
create or replace function private.return_chat_messages(p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_item record;
  v_messages jsonb := '[]'::jsonb;
begin
  for v_item in
    select o.parameters, o.parameters -> 'returns' as returns, r.value ->> 'error' as error,
           r.value ->> 'outcome' <> 'later' as is_refused
      from jsonb_array_elements(p_results) as r (value)
      join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
     where o.parameters ? 'returns'
       and (
         r.value ->> 'outcome' in ('refused', 'blocked')
         or (r.value ->> 'outcome' = 'later' and o.created_at < private.clock() - interval '24 hours')
       )
     order by o.parameters -> 'returns' ->> 'address', o.id
  loop
    if v_item.is_refused then
      insert into private.unreachable_chats (address, error)
      values (v_item.returns ->> 'address', left(coalesce(v_item.error, ''), 500))
      on conflict (address) do nothing;
      if found then
        v_messages := v_messages || private.notify_each_admin(
          'admin_chat_unreachable',
          jsonb_build_object('address', v_item.returns ->> 'address', 'error', left(coalesce(v_item.error, ''), 500)),
          null,
          v_item.returns ->> 'bot'
        );
      end if;
    end if;
    v_messages := v_messages || private.notify_each_admin(
      v_item.parameters ->> 'key', v_item.parameters -> 'values', nullif(v_item.returns -> 'buttons', 'null'),
      v_item.returns ->> 'bot'
    );
  end loop;
  -- Enqueued calls are reserved for their caller for a minute; this caller does not deliver them.
  update public.telegram_outbox as o
     set send_after = private.clock()
    from jsonb_array_elements(v_messages) as m (value)
   where o.id = (m.value ->> 'id')::bigint;
end
$$;

revoke all on function private.return_chat_messages from public, anon, authenticated, service_role;
comment on function private.return_chat_messages is 'Brings refused messages for an admins'' chat to the admins'' private chats';

-- Grants what a payment was made for: plan time, bonus credits, balance, a course or a gift. Completes the order, consumes its
-- discount, creates or extends the renewal, cancels the renewals that it replaces, pays the referrer's commission, and sends
-- the buyer a message and the admins a notice (private.notify_purchase). A purchase from balance shows its buyer the result on its
-- own screen instead; a payment that was refunded before it arrived sends none.
--
-- Concurrency: the caller holds the payment and its order and has checked that nothing was granted; effects are also unique per
--   payment. Buyer and referrer are locked in the order of their ids, so that two payments with the same two users cannot
--   deadlock.
-- Locks: payment and order (held by the caller), buyer and referrer by id (NO KEY UPDATE), then the buyer's subscriptions,
--   other orders with the same discount by id, broadcasts that the buyer received, and renewals; before those, as
--   private.count_milestone.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.fulfil_payment(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_purchase record;
  v_referrer_id bigint;
  v_given numeric;
  v_ends_at timestamptz;
  v_offer jsonb;
  v_is_resumed boolean;
  v_replaced jsonb;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, b.product_key, b.order_id, b.next_product_key
    into v_purchase
    from (
      select o.product_key, case when o.is_gift then 'gift' else o.kind end as kind, o.plan, o.period, o.quantity, o.bot, o.id as order_id, o.next_product_key
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot, null::bigint, null::text
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- null: erased in between

  select g.given, g.ends_at into v_given, v_ends_at
    from private.grant_purchase(
      p_payment, v_purchase.kind, v_purchase.plan, v_purchase.period, v_purchase.quantity
    ) as g;
  perform private.pay_commission(p_payment, v_referrer_id);
  if p_payment.amount > 0 and p_payment.provider <> 'balance' then
    perform private.count_milestone(p_payment.user_id, 'paid');
  end if;

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  if v_purchase.order_id is not null and p_payment.renewal_id is null and p_payment.status <> 'refunded' then
    perform private.on_purchase(p_payment.user_id, v_purchase.order_id, v_purchase.kind);
  end if;
  v_is_resumed := private.save_renewal(p_payment, v_ends_at);
  v_replaced := private.replace_renewals(p_payment, v_is_resumed);
  if p_payment.amount > 0 and p_payment.status <> 'refunded' then
    perform private.notify_purchase(p_payment, v_purchase.product_key, v_purchase.bot);
  end if;
  if p_payment.status = 'refunded' or p_payment.provider = 'balance' then
    return v_replaced;
  end if;
  v_offer := private.offer_after_top_up(p_payment.user_id, v_purchase.order_id, v_purchase.next_product_key);
  return private.enqueue_user_message(
    p_payment.user_id,
    v_purchase.bot,
    case
      when v_offer is not null then 'paid_balance_continues'
      when v_is_resumed then 'renewed_resumed'
      when p_payment.renewal_id is null then 'paid_' || v_purchase.kind
      else 'renewed'
    end,
    jsonb_build_object('title', private.product_titles(v_purchase.product_key))
    || case v_purchase.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         when 'gift' then '{}'
         when 'balance' then jsonb_build_object(
           'quantity', jsonb_build_object('amount', v_given, 'currency', private.setting('balance_currency'))
         )
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
    || coalesce(v_offer -> 'values', '{}'),
    case v_purchase.kind
      when 'gift' then jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'gift_open', 'data', 'gift:' || p_payment.id))
      )
      else v_offer -> 'buttons'
    end
  ) || v_replaced;
end
$$;

revoke all on function private.fulfil_payment from public, anon, authenticated, service_role;
comment on function private.fulfil_payment is 'Grants what a payment was made for';

-- Moves the sessions, conversations and running quiz of a group to the supergroup that it became. Telegram reports both ids,
-- once in each chat. Updates in progress move with their chat, so what they commit is found in the new one. A session that
-- the supergroup already has, because its first message can arrive before the report, is kept and gets what it lacks.
--
-- Concurrency: a second call finds nothing left to move.
-- Locks: open updates of the group (FOR UPDATE) by bot and update_id, its users (KEY SHARE) by id, then their
--   sessions and conversations, then the running quiz and the settings of
--   the admins' chats.
-- Returns: jsonb
--   sessions: int          (how many were moved)
-- Errors: none.
create or replace function public.migrate_chat(p_old bigint, p_new bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_moved bigint;
begin
  if p_old = p_new then
    return jsonb_build_object('sessions', 0);
  end if;
  update public.telegram_updates as t
     set chat_id = p_new
    from (
      select o.bot, o.update_id
        from public.telegram_updates as o
       where o.status in ('working', 'failed') and o.chat_id = p_old
       order by o.bot, o.update_id
         for update
    ) as open_update
   where t.bot = open_update.bot and t.update_id = open_update.update_id;
  perform from public.users as u
    where u.id in (select s.user_id from public.bot_sessions as s where s.chat_id = p_old and s.chat_id < 0)
    order by u.id
      for key share;

  with moved as (
    delete from public.bot_sessions as s
     where s.chat_id = p_old and s.chat_id < 0
    returning s.*
  ), talk as (
    update public.messages as m
       set chat_id = p_new
      from moved as o
     where m.user_id = o.user_id and m.bot = o.bot and m.chat_id = p_old and m.thread_id = o.thread_id
  ), kept as (
    insert into public.bot_sessions as s
      (user_id, bot, chat_id, thread_id, mode, session_data, stats_data, last_update_id, created_at, updated_at)
    select o.user_id, o.bot, p_new, o.thread_id, o.mode, o.session_data, o.stats_data, o.last_update_id, o.created_at, o.updated_at
      from moved as o
    on conflict (user_id, bot, chat_id, thread_id) do update
      set mode = case when s.mode = 'chat' then excluded.mode else s.mode end,
          session_data = excluded.session_data || s.session_data,
          stats_data = excluded.stats_data || s.stats_data || jsonb_build_object(
            'requests',
            coalesce((excluded.stats_data ->> 'requests')::bigint, 0) + coalesce((s.stats_data ->> 'requests')::bigint, 0)
          ),
          last_update_id = greatest(s.last_update_id, excluded.last_update_id),
          created_at = least(s.created_at, excluded.created_at)
  )
  select count(*) into v_moved from moved;
  -- The supergroup's own main conversation stays.
  delete from public.ai_conversations as c
   where c.chat_id = p_old and c.chat_id < 0 and c.is_main
     and exists (
       select
         from public.ai_conversations as o
        where o.user_id = c.user_id and o.bot = c.bot and o.chat_id = p_new and o.thread_id = c.thread_id and o.is_main
     );
  update public.ai_conversations as c set chat_id = p_new where c.chat_id = p_old and c.chat_id < 0;
  update public.quiz_rounds as r
     set chat_id = p_new
   where r.chat_id = p_old
     and r.summarized_at is null
     and not exists (
       select
         from public.quiz_rounds as o
        where o.bot = r.bot and o.chat_id = p_new and o.thread_id = r.thread_id and o.summarized_at is null
     );
  perform private.move_admin_chats(p_old, p_new);
  return jsonb_build_object('sessions', v_moved);
end
$$;

revoke all on function public.migrate_chat from public, anon, authenticated, service_role;
grant execute on function public.migrate_chat to bot_backend;
comment on function public.migrate_chat is 'Moves the sessions of a group to the supergroup that it became';

-- Records the delivery results of outbox items.
--
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error, message_id}]. message_id is set
-- where the bot has a messenger, whose conversation notes it (private.record_answer_deliveries). Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot (private.set_blocked). later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up; messages for an admins' chat go to the private chats then (private.return_chat_messages).
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot and their sessions, conversations of the messenger, admins' chats that cannot be
--   reached, then outbox items.
-- Returns: jsonb
--   dropped: int           (how many were given up after a day of attempts)
-- Errors: none.
create or replace function public.record_deliveries(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_dropped integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  if not p_results @? '$[*] ? (@.outcome != "sent" || exists(@.message_id))' then
    delete from public.telegram_outbox as o
     where o.id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)));
    return '{"dropped": 0}'::jsonb;
  end if;
  v_now := private.clock();
  perform private.set_blocked(b.chat_id, b.bot, true)
    from (
      select distinct o.chat_id, o.bot
        from jsonb_array_elements(p_results) as r (value)
        join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
       where r.value ->> 'outcome' = 'blocked'
       order by o.chat_id, o.bot
    ) as b;
  perform private.record_answer_deliveries(p_results);
  perform private.return_chat_messages(p_results);
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
  return jsonb_build_object('dropped', v_dropped);
end
$$;

revoke all on function public.record_deliveries from public, anon, authenticated, service_role;
grant execute on function public.record_deliveries to bot_backend;
comment on function public.record_deliveries is 'Records the delivery results of outbox items';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "alarms_chat", "about": "Where alarms go: bot:chat or bot:chat:topic, as /here in that chat answers; off: to the admins'' private chats", "value": "off"}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "purchases_chat", "about": "Where notices of purchases go: bot:chat or bot:chat:topic, as /here in that chat answers; off: there are none", "value": "off"}') on conflict do nothing;
