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
