-- Crm lint.

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
  v_spent text[] := '{}'::text[];
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
  v_typed text[] := '{}'::text[];
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
