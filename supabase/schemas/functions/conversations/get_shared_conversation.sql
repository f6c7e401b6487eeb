-- Returns the page of a shared conversation, for anyone who has its link. Nothing in it names the user.
--
-- Concurrency: read-only. Page and messages are of one moment: a change of a message withdraws the page at once, as do a ban and
--   the deletion of the conversation.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'shown' | 'withdrawn' | 'unknown'
--   title?: text | null         (shown, as the others; null: the main conversation)
--   bot_username?: text
--   is_cut?: boolean            (older messages were left out)
--   created_at?: timestamptz
--   messages?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first)
-- Errors: none.
create or replace function public.get_shared_conversation(p_token text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_page public.shared_conversations;
  v_found record;
begin
  select s.* into v_page from public.shared_conversations as s where s.token = p_token;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if v_page.withdrawn_at is not null
    or exists (select from public.users as u where u.id = v_page.user_id and u.banned_at is not null)
  then
    return jsonb_build_object('outcome', 'withdrawn');
  end if;
  v_found := private.shared_messages(v_page);
  if v_found.digest is distinct from v_page.digest then
    return jsonb_build_object('outcome', 'withdrawn');
  end if;
  return jsonb_build_object(
    'outcome', 'shown', 'title', v_page.title, 'bot_username', v_page.bot_username, 'is_cut', v_page.is_cut,
    'created_at', v_page.created_at, 'messages', v_found.messages
  );
end
$$;

revoke all on function public.get_shared_conversation from public, anon, authenticated, service_role;
grant execute on function public.get_shared_conversation to bot_backend;
comment on function public.get_shared_conversation is 'Returns the page of a shared conversation';
