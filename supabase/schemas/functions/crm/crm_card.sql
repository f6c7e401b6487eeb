-- Returns a lead with everything that the team knows about it: fields with their quotes, signs, next action, and the notes of all
-- conversations of the user, merged by time. A conversation without a card has one with its first change. The view is audited.
--
-- Concurrency: reads; the audit entry is written once an hour.
-- Locks: none but the new audit entry.
-- Returns: jsonb
--   {
--     id: bigint
--     version: int                   (0: no card yet)
--     bot: text
--     user: { id: bigint, telegram_id: bigint, name: text, username: text | null, plan: text, balance: text, created_at: text }
--     real_name: text | null
--     background: text | null
--     query: text | null
--     ready_score: int | null
--     locked: [text]
--     evidence: jsonb                (by field: {quote, message_id})
--     signals: [ { kind: text, quote: text, message_id: bigint } ]
--     has_ordered: boolean
--     stages: [text]
--     stage: text
--     stage_since: text | null
--     next_action: text | null
--     next_action_at: text | null
--     next_action_by: text | null    (account)
--     qualified_at: text | null
--     source: text | null
--     notes: [ { bot: text, body: text, by: text | null, created_at: text } ]     (the newest 50, newest first)
--   } | null
-- Errors: N0009 the user's role does not allow it.
create or replace function public.crm_card(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_conversation public.conversations;
  v_card public.crm_cards;
  v_user public.users;
begin
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id;
  if not found then
    return null;
  end if;
  select k.* into v_card from public.crm_cards as k where k.conversation_id = p_conversation_id;
  select u.* into v_user from public.users as u where u.id = v_conversation.user_id;
  perform private.audit_reading(v_account, 'read_lead', p_conversation_id::text, v_user.id);
  return jsonb_build_object(
    'id', v_conversation.id, 'version', coalesce(v_card.version, 0), 'bot', v_conversation.bot,
    'user', jsonb_build_object(
      'id', v_user.id, 'telegram_id', v_user.telegram_id,
      'name', coalesce(nullif(trim(concat_ws(' ', v_user.first_name, v_user.last_name)), ''), v_user.telegram_id::text),
      'username', v_user.username, 'plan', private.plan_of(v_user.id) ->> 'plan', 'balance', v_user.balance::text, 'created_at', v_user.created_at
    ),
    'real_name', v_conversation.ai_real_name, 'background', v_conversation.ai_background, 'query', v_conversation.ai_query,
    'ready_score', v_conversation.ai_ready_score,
    'locked', to_jsonb(coalesce(v_card.locked, '{}')), 'evidence', coalesce(v_card.evidence, '{}'),
    'signals', coalesce(v_card.signals, '[]'::jsonb),
    'has_ordered', exists (
      select
        from public.orders as o
       where o.user_id = v_user.id
         and (o.status = 'completed' or (o.renewal_id is null and o.created_at > private.clock() - interval '90 days'))
    ),
    'stages', private.setting('crm_stages')::jsonb,
    'stage', coalesce(v_card.stage, private.setting('crm_stages')::jsonb ->> 0), 'stage_since', v_card.stage_since,
    'next_action', v_card.next_action, 'next_action_at', v_card.next_action_at,
    'next_action_by', private.account_name(v_card.next_action_by), 'qualified_at', v_card.qualified_at,
    'source', (
      select l.name
        from public.ad_link_visits as v
        join public.ad_links as l on l.id = v.link_id
       where v.user_id = v_user.id and v.is_source
    ),
    'notes', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'bot', n.bot, 'body', n.body, 'by', private.account_name(n.admin_id), 'created_at', n.created_at
            )
            order by n.created_at desc, n.id desc
          ),
          '[]'::jsonb
        )
        from (
          select m.id, c.bot, m.body, m.admin_id, m.created_at
            from public.conversations as c
            join public.conversation_messages as m on m.conversation_id = c.id
           where c.user_id = v_user.id and m.kind = 'note' and m.deleted_at is null
           order by m.created_at desc, m.id desc
           limit 50
        ) as n
    )
  );
end
$$;

revoke all on function public.crm_card from public, anon, authenticated, service_role;
grant execute on function public.crm_card to bot_backend;
comment on function public.crm_card is 'Returns a lead with everything that the team knows about it';
