-- Returns a lead as the board shows it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint                       (of the conversation)
--   bot: text
--   name: text                       (as the user names themselves, else as Telegram does)
--   username: text | null
--   query: text | null
--   score: int | null
--   stage: text
--   next_action: text | null
--   next_action_at: text | null
--   last_message_at: text
--   source: text | null              (name of the ad that brought the user)
-- Errors: none.
create or replace function private.lead_row(p_conversation public.conversations, p_card public.crm_cards)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_conversation.id, 'bot', p_conversation.bot,
      'name', coalesce(
        p_conversation.ai_real_name, nullif(trim(concat_ws(' ', u.first_name, u.last_name)), ''), u.telegram_id::text
      ),
      'username', u.username, 'query', p_conversation.ai_query, 'score', p_conversation.ai_ready_score,
      'stage', p_card.stage, 'next_action', p_card.next_action, 'next_action_at', p_card.next_action_at,
      'last_message_at', p_conversation.last_message_at,
      'source', (
        select l.name
          from public.ad_link_visits as v
          join public.ad_links as l on l.id = v.link_id
         where v.user_id = u.id and v.is_source
      )
    )
    from public.users as u
   where u.id = p_conversation.user_id;
$$;

revoke all on function private.lead_row from public, anon, authenticated, service_role;
comment on function private.lead_row is 'Returns a lead as the board shows it';
