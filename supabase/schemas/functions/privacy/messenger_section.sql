-- Collects a user's conversations with the team: their messages, answers and earlier texts, and what the AI concluded from them.
-- Notes and next actions, which the team writes for itself, are left out. Of a member of the staff also their drafts, and what they
-- read and have open.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.messenger_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'conversations', (
      select coalesce(
          jsonb_agg(to_jsonb(c) - array['user_id', 'connection', 'assignee_id', 'takeovers', 'changed_xid'] order by c.id),
          '[]'::jsonb
        )
        from public.conversations as c
       where c.user_id = p_user_id
    ),
    'messages', (
      select coalesce(
          jsonb_agg(
            to_jsonb(m)
              - array['user_id', 'admin_id', 'version', 'reference', 'outbox_id', 'lease', 'lease_until']
            order by m.conversation_id, m.seq
          ),
          '[]'::jsonb
        )
        from public.conversations as c
        join public.conversation_messages as m on m.conversation_id = c.id
       where c.user_id = p_user_id and m.kind <> 'note'
    ),
    'cards', (
      select coalesce(
          jsonb_agg(
            to_jsonb(k)
              - array['next_action', 'next_action_by', 'reminded_at', 'claim', 'claimed_seq', 'claimed_until', 'claimed_cost', 'version']
            order by k.conversation_id
          ),
          '[]'::jsonb
        )
        from public.conversations as c
        join public.crm_cards as k on k.conversation_id = c.id
       where c.user_id = p_user_id
    ),
    'ad_links', (
      select coalesce(jsonb_agg(to_jsonb(v) - 'user_id' order by v.created_at, v.link_id), '[]'::jsonb)
        from public.ad_link_visits as v
       where v.user_id = p_user_id
    ),
    'revisions', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.id), '[]'::jsonb)
        from public.conversations as c
        join public.conversation_messages as m on m.conversation_id = c.id
        join public.conversation_message_revisions as r on r.message_id = m.id
       where c.user_id = p_user_id and m.kind <> 'note'
    ),
    'labels', (
      select coalesce(jsonb_agg(to_jsonb(k) order by k.conversation_id, k.label_id), '[]'::jsonb)
        from public.conversations as c
        join public.conversation_labels as k on k.conversation_id = c.id
       where c.user_id = p_user_id
    ),
    'drafts', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'operator_id' order by d.conversation_id), '[]'::jsonb)
        from public.conversation_drafts as d
       where d.operator_id = p_user_id
    ),
    'read', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'operator_id' order by r.conversation_id), '[]'::jsonb)
        from public.conversation_reads as r
       where r.operator_id = p_user_id
    ),
    'open', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'operator_id' order by p.conversation_id), '[]'::jsonb)
        from public.conversation_presence as p
       where p.operator_id = p_user_id
    )
  );
$$;

revoke all on function private.messenger_section from public, anon, authenticated, service_role;
comment on function private.messenger_section is 'Collects a user''s conversations with the team';
