-- Lint findings.

-- Writes a segment as a condition of SQL on `u` (public.users) and `c` (public.message_consents, which may be missing). Keys
-- that are absent limit nothing; those that are present must all hold:
--
--   plans: [text]                 the plan is one of these
--   languages: [text]             the language is one of these codes
--   active_days: int              used a bot within so many days
--   inactive_days: int            has not used a bot for so many days
--   course: {id, tier | null}     has access to the course, in this tier
--   without_course: bigint        has no access to the course
--   bought: [text]                has bought one of these products
--   never_paid: true              has never paid
--   bands: [text]                 how ready to buy the AI thinks: exploring, interested, serious, ready
--   uncontacted_days: int         has had no broadcast for so many days
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: Q0001 an unknown key, or a wrong value.
create or replace function private.segment_condition(p_segment jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_value jsonb;
  v_list text[];
  v_parts text[] := '{}'::text[];
  v_access constant text := 'exists (select from public.enrollments as e where e.user_id = u.id and e.course_id = %s'
    ' and e.withdrawn_at is null and (e.expires_at is null or e.expires_at > private.clock())%s)';
begin
  for v_key, v_value in select s.key, s.value from jsonb_each(p_segment) as s order by s.key loop
    v_list := case
      when jsonb_typeof(v_value) = 'array' then array(select jsonb_array_elements_text(v_value))
    end;
    v_parts := v_parts || case v_key
      when 'plans' then format(
        '(select l.plan from public.subscription_limits as l where l.vip_level <= u.vip_level'
        ' order by l.vip_level desc limit 1) = any (%L::text[])', v_list
      )
      when 'languages' then format(
        'split_part(lower(coalesce(u.language, u.language_code)), ''-'', 1) = any (%L::text[])', v_list
      )
      when 'active_days' then format(
        'u.last_activity >= private.clock() - make_interval(days => %s)', private.segment_number(v_value)
      )
      when 'inactive_days' then format(
        'u.last_activity < private.clock() - make_interval(days => %s)', private.segment_number(v_value)
      )
      when 'course' then format(
        v_access,
        private.segment_number(v_value -> 'id'),
        case when v_value ->> 'tier' is null then '' else format(' and e.tier = %L', v_value ->> 'tier') end
      )
      when 'without_course' then format('not ' || v_access, private.segment_number(v_value), '')
      when 'bought' then format(
        'exists (select from public.orders as o where o.user_id = u.id and o.status = ''completed'''
        ' and o.product_key = any (%L::text[]))', v_list
      )
      when 'never_paid' then
        'not exists (select from public.orders as o where o.user_id = u.id and o.status = ''completed'')'
      when 'bands' then format(
        'exists (select from public.conversations as v where v.user_id = u.id and case when v.ai_ready_score <= 30'
        ' then ''exploring'' when v.ai_ready_score <= 60 then ''interested'' when v.ai_ready_score <= 85'
        ' then ''serious'' else ''ready'' end = any (%L::text[]) and v.ai_ready_score is not null)', v_list
      )
      when 'uncontacted_days' then format(
        '(c.last_contact_at is null or c.last_contact_at < private.clock() - make_interval(days => %s))',
        private.segment_number(v_value)
      )
    end;
    if v_parts[cardinality(v_parts)] is null
      or (v_key in ('plans', 'languages', 'bought', 'bands') and coalesce(cardinality(v_list), 0) = 0)
    then
      raise exception 'segment: %', v_key using errcode = 'Q0001';
    end if;
  end loop;
  return case when v_parts = '{}' then 'true' else array_to_string(v_parts, ' and ') end;
end
$$;

revoke all on function private.segment_condition from public, anon, authenticated, service_role;
comment on function private.segment_condition is 'Writes a segment as a condition of SQL';

-- Stores a course of a folder (./switchboard courses load): the course, its lessons, and products that sell it where they are missing.
--
-- What was changed in the console since the last load stays as it is, unless p_overwrites: courses and lessons remember the version
-- that was loaded. A lesson without a file stays. Products and prices are created once and never changed; p_on_sale puts new ones on
-- sale.
--
-- Concurrency: loads of the same course are serialized by its row; a repeated load changes nothing.
-- Locks: course, its lessons.
-- Returns: jsonb
--   course: 'new' | 'updated' | 'unchanged' | 'edited'   (edited: changed in the console, left as it is)
--   lessons: [ { slug: text, outcome: 'new' | 'updated' | 'unchanged' | 'edited' | 'no_file' } ]
--   products: [ text ]       (new ones)
-- Errors: W0003 a value is invalid.
create or replace function private.load_course(p_course jsonb, p_overwrites boolean, p_on_sale boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_slug constant text := p_course ->> 'slug';
  v_values constant jsonb := p_course - array['slug', 'lessons', 'offers'];
  v_words constant jsonb := '{"created": "new", "saved": "updated", "unchanged": "unchanged", "exists": "edited"}'::jsonb;
  v_version integer;
  v_saved jsonb;
  v_course_id bigint;
  v_outcome text;
  v_lesson jsonb;
  v_offer jsonb;
  v_lessons jsonb := '[]'::jsonb;
  v_products jsonb := '[]'::jsonb;
begin
  v_saved := private.write_course(v_slug, v_values, null, true);
  if v_saved ->> 'outcome' = 'exists' then
    -- Without a version it was only found: it is written unless it was changed in the console.
    select c.version into v_version
      from public.courses as c
     where c.slug = v_slug and (c.loaded_version = c.version or p_overwrites);
    if found then
      v_saved := private.write_course(v_slug, v_values, v_version, true);
    end if;
  end if;
  v_course_id := (v_saved ->> 'id')::bigint;
  v_outcome := v_words ->> (v_saved ->> 'outcome');
  for v_lesson in select l.value from jsonb_array_elements(p_course -> 'lessons') as l (value) loop
    v_saved := private.write_lesson(v_slug, v_lesson ->> 'slug', v_lesson - 'slug', null, true);
    if v_saved ->> 'outcome' = 'exists' then
      select l.version into v_version
        from public.lessons as l
       where l.id = (v_saved ->> 'id')::bigint and (l.loaded_version = l.version or p_overwrites);
      if found then
        v_saved := private.write_lesson(v_slug, v_lesson ->> 'slug', v_lesson - 'slug', v_version, true);
      end if;
    end if;
    v_lessons := v_lessons || jsonb_build_object(
      'slug', v_lesson ->> 'slug', 'outcome', v_words -> (v_saved ->> 'outcome')
    );
  end loop;
  select v_lessons || coalesce(jsonb_agg(jsonb_build_object('slug', l.slug, 'outcome', 'no_file') order by l.position), '[]')
    into v_lessons
    from public.lessons as l
   where l.course_id = v_course_id
     and not exists (
       select from jsonb_array_elements(p_course -> 'lessons') as f (value) where f.value ->> 'slug' = l.slug
     );
  for v_offer in select o.value from jsonb_array_elements(p_course -> 'offers') as o (value) loop
    insert into public.products (key, kind, texts, is_active)
    values (v_offer ->> 'product_key', 'course', v_offer -> 'texts', p_on_sale)
    on conflict (key) do nothing;
    if found then
      insert into public.product_prices (product_key, currency, amount)
      select v_offer ->> 'product_key', p.key, p.value::numeric
        from jsonb_each_text(v_offer -> 'prices') as p;
      insert into public.course_offers (product_key, course_id, tier, access_days)
      values (v_offer ->> 'product_key', v_course_id, v_offer ->> 'tier', (v_offer ->> 'access_days')::integer);
      v_products := v_products || (v_offer -> 'product_key');
    end if;
  end loop;
  return jsonb_build_object('course', v_outcome, 'lessons', v_lessons, 'products', v_products);
end
$$;

revoke all on function private.load_course from public, anon, authenticated, service_role;
comment on function private.load_course is 'Stores a course of a folder';

-- Gives a conversation a label, or takes it away.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.label_conversation(p_actor_id bigint, p_conversation_id bigint, p_label_id bigint, p_is_on boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if p_is_on then
    insert into public.conversation_labels (conversation_id, label_id)
    select p_conversation_id, l.id from public.messenger_labels as l where l.id = p_label_id
    on conflict (conversation_id, label_id) do nothing;
  else
    delete from public.conversation_labels as k where k.conversation_id = p_conversation_id and k.label_id = p_label_id;
  end if;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.label_conversation from public, anon, authenticated, service_role;
grant execute on function public.label_conversation to bot_backend;
comment on function public.label_conversation is 'Gives a conversation a label, or takes it away';

-- Marks a conversation as unread for a member of the staff, until they open it again.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.mark_conversation_unread(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  insert into public.conversation_reads as r (conversation_id, operator_id, read_seq, is_marked_unread)
  values (p_conversation_id, p_actor_id, 0, true)
  on conflict (conversation_id, operator_id) do update set is_marked_unread = true;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.mark_conversation_unread from public, anon, authenticated, service_role;
grant execute on function public.mark_conversation_unread to bot_backend;
comment on function public.mark_conversation_unread is 'Marks a conversation as unread for a member of the staff';

-- Takes a conversation out of the open ones until a time; null: puts it back. A message of the user ends that.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.snooze_conversation(p_actor_id bigint, p_conversation_id bigint, p_until timestamptz)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  update public.conversations as c
     set snoozed_until = p_until, changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.snooze_conversation from public, anon, authenticated, service_role;
grant execute on function public.snooze_conversation to bot_backend;
comment on function public.snooze_conversation is 'Takes a conversation out of the open ones until a time';

-- Makes the bot or a human answer in a conversation, or neither (paused).
--
-- An answer that the AI is writing for the user is dropped where this takes the conversation from the bot: each switch to
-- human or paused counts as a takeover, which public.finish_update compares. Answers of the AI that wait in the outbox for
-- another attempt are withdrawn; one that is being sent right now arrives.
--
-- Concurrency: the caller holds the conversation's row. To switch to the same handler again sets its end anew.
-- Locks: outbox items (FOR UPDATE SKIP LOCKED).
-- Returns: public.conversations, the changed row.
-- Errors: none.
create or replace function private.switch_handler(
  p_conversation public.conversations, p_handler text, p_until timestamptz
)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_is_takeover constant boolean := p_handler <> 'bot' and p_conversation.handler = 'bot';
  v_withdrawn bigint[] := '{}'::bigint[];
begin
  if v_is_takeover then
    with late as (
      select o.id
        from public.conversation_messages as m
        join public.telegram_outbox as o on o.id = m.outbox_id
       where m.conversation_id = p_conversation.id and m.outbox_id is not null and m.source = 'ai' and o.attempts > 0
         for update of o skip locked
    ), deleted as (
      delete from public.telegram_outbox as o using late where o.id = late.id returning o.id
    )
    select coalesce(array_agg(d.id), '{}') into v_withdrawn from deleted as d;
    update public.conversation_messages as m
       set status = 'canceled', outbox_id = null, version = p_conversation.last_version + 1
     where m.outbox_id = any (v_withdrawn);
  end if;
  update public.conversations as c
     set handler = p_handler,
         handler_until = p_until,
         takeovers = c.takeovers + v_is_takeover::integer,
         ai_processing_until = case when p_handler = 'bot' then c.ai_processing_until end,
         last_version = c.last_version + (cardinality(v_withdrawn) > 0)::integer,
         changed_xid = pg_current_xact_id()
   where c.id = p_conversation.id
  returning c.* into v_conversation;
  return v_conversation;
end
$$;

revoke all on function private.switch_handler from public, anon, authenticated, service_role;
comment on function private.switch_handler is 'Makes the bot or a human answer in a conversation, or neither';

-- Applies the actions of a canned reply to a conversation, and counts its use. Its text is sent by send_conversation_message.
--
-- Concurrency: the conversation is locked; a repeated call counts its use again.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.use_canned_reply(p_actor_id bigint, p_conversation_id bigint, p_reply_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reply public.canned_replies;
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  update public.canned_replies as r
     set used_count = r.used_count + 1
   where r.id = p_reply_id
  returning r.* into v_reply;
  insert into public.conversation_labels (conversation_id, label_id)
  select p_conversation_id, l.id from public.messenger_labels as l where l.id = any (v_reply.labels)
  on conflict (conversation_id, label_id) do nothing;
  if v_reply.takes_over then
    perform public.assign_conversation(p_actor_id, p_conversation_id, p_actor_id);
  end if;
  if v_reply.closes then
    perform public.close_conversation(p_actor_id, p_conversation_id);
  end if;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.use_canned_reply from public, anon, authenticated, service_role;
grant execute on function public.use_canned_reply to bot_backend;
comment on function public.use_canned_reply is 'Applies the actions of a canned reply to a conversation';
