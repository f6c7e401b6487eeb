-- Notes that an article was drafted from a conversation, or that none is wanted (p_article_id null). Later messages of the user make it a
-- candidate again.
--
-- Concurrency: one row per conversation; the last decision counts.
-- Locks: conversation (KEY SHARE).
-- Returns: jsonb
--   outcome: 'decided'
-- Errors: N0009 not an operator; I0001 no such conversation.
create or replace function public.decide_candidate(p_actor_id bigint, p_conversation_id bigint, p_article_id bigint default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id for key share;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  insert into public.knowledge_candidates (conversation_id, seq, article_id)
  values (p_conversation_id, v_conversation.last_seq, p_article_id)
  on conflict (conversation_id) do update
    set seq = excluded.seq, article_id = excluded.article_id, decided_at = private.clock();
  return jsonb_build_object('outcome', 'decided');
end
$$;

revoke all on function public.decide_candidate from public, anon, authenticated, service_role;
grant execute on function public.decide_candidate to bot_backend;
comment on function public.decide_candidate is 'Notes that an article was drafted from a conversation, or none is wanted';
