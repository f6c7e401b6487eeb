-- Stores what a qualification found, and what its calls to the AI cost. A field that a member of the team typed stays, and so
-- does one of which nothing was found. Without a result (a failure) only the cost is stored.
--
-- p_result {real_name, background, query: {value, quote, message_id} or null each, signals: [{kind, quote, message_id}],
-- language, score}. p_usage: see private.record_usage; the calls have the reason qualification.
--
-- Concurrency: a claim that another run took over stores only its cost.
-- Locks: user (KEY SHARE), conversation, card, qualification_days, then as private.record_usage.
-- Returns: jsonb
--   saved: boolean
-- Errors: none.
create or replace function public.save_qualification(
  p_id bigint, p_claim uuid, p_result jsonb, p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_conversation public.conversations;
  v_card public.crm_cards;
  v_call public.telegram_updates;
  v_saved boolean;
begin
  select c.user_id into v_call.user_id from public.conversations as c where c.id = p_id;
  perform from public.users as u where u.id = v_call.user_id for key share;
  select c.* into v_conversation from public.conversations as c where c.id = p_id for update;
  if not found then
    return jsonb_build_object('saved', false);
  end if;
  select k.* into v_card from public.crm_cards as k where k.conversation_id = p_id for update;
  if v_card.claim = p_claim then
    v_saved := p_result is not null;
    update public.crm_cards as k
       set claim = null, claimed_seq = null, claimed_until = null, claimed_cost = null,
           qualified_seq = case when v_saved then v_card.claimed_seq else k.qualified_seq end,
           qualified_at = case when v_saved then v_now else k.qualified_at end,
           evidence = case
             when v_saved then k.evidence || coalesce((
               select jsonb_object_agg(f.key, f.value - 'value')
                 from jsonb_each(p_result) as f
                where f.key in ('real_name', 'background', 'query') and f.value <> 'null'
                  and not f.key = any (k.locked)
             ), '{}')
             else k.evidence
           end,
           signals = case when v_saved then p_result -> 'signals' else k.signals end,
           language = case when v_saved then p_result ->> 'language' else k.language end
     where k.conversation_id = p_id;
    if v_saved then
      update public.conversations as c
         set ai_real_name = case
               when 'real_name' = any (v_card.locked) then c.ai_real_name
               else coalesce(left(p_result #>> '{real_name,value}', 64), c.ai_real_name)
             end,
             ai_background = case
               when 'background' = any (v_card.locked) then c.ai_background
               else coalesce(left(p_result #>> '{background,value}', 300), c.ai_background)
             end,
             ai_query = case
               when 'query' = any (v_card.locked) then c.ai_query
               else coalesce(left(p_result #>> '{query,value}', 300), c.ai_query)
             end,
             ai_ready_score = case
               when 'ready_score' = any (v_card.locked) then c.ai_ready_score
               else greatest(least((p_result ->> 'score')::integer, 100), 0)
             end,
             changed_xid = pg_current_xact_id()
       where c.id = p_id;
    end if;
    update public.qualification_days as d
       set cost = greatest(
             d.cost - v_card.claimed_cost
             + (select coalesce(sum(private.usage_cost(u.value ->> 'cost')), 0) from jsonb_array_elements(p_usage) as u), 0
           )
     where d.bot = v_conversation.bot and d.day = v_card.runs_day;
  end if;
  v_call.bot := v_conversation.bot;
  v_call.update_id := p_id;
  perform private.record_usage(v_call, p_usage, false);
  return jsonb_build_object('saved', coalesce(v_saved, false));
end
$$;

revoke all on function public.save_qualification from public, anon, authenticated, service_role;
grant execute on function public.save_qualification to bot_backend;
comment on function public.save_qualification is 'Stores what a qualification found';
