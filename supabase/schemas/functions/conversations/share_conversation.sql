-- Shares a conversation as a page: its newest messages, p_limit at most and as many as fit whole into p_bytes. Later ones do not
-- appear on it.
--
-- p_id: 0 of the main conversation of the session. p_token: random, of the caller, for a new page. p_reference: the update that
-- asks for it.
--
-- Concurrency: the user's row is locked, so the limit (setting shared_pages) holds. A known reference, and a page with the same
--   messages, return that page.
-- Locks: user (NO KEY UPDATE), pages.
-- Returns: jsonb
--   outcome: 'shared' | 'empty' | 'limit'
--   most?: int                  (limit)
--   page?: {                    (shared)
--     id: bigint
--     token: text
--     title: text | null
--     messages: int
--     is_cut: boolean           (older messages were left out)
--     created_at: timestamptz
--     open_until: timestamptz
--   }
-- Errors: J0001 no such user; J0002 the token is too short, or the reference is another user's.
create or replace function public.share_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_token text, p_bot_username text,
  p_reference text, p_limit integer default 200, p_bytes integer default 150000
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_page public.shared_conversations;
  v_known public.shared_conversations;
  v_conversation public.ai_conversations;
  v_most integer := private.setting('shared_pages')::integer;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(p_token) < 22 then
    raise exception 'a token has 22 characters' using errcode = 'J0002';
  end if;
  select s.* into v_known from public.shared_conversations as s where s.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'shared', 'page', private.shared_page(v_known));
  end if;
  perform private.withdraw_changed_pages(p_user_id);
  select c.* into v_conversation
    from public.ai_conversations as c
   where c.id = p_id
     and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  v_page.user_id := p_user_id;
  v_page.bot := p_bot;
  v_page.chat_id := p_chat_id;
  v_page.thread_id := p_thread;
  v_page.conversation_id := case when v_conversation.is_main then 0 else p_id end;
  with newest as (
    select m.id, row_number() over (order by m.id desc) as position,
      sum(octet_length(m.content)) over (order by m.id desc) as bytes
      from (
        select r.id, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = v_page.conversation_id
         order by r.id desc
         limit p_limit + 1
      ) as m
  )
  select min(n.id) filter (where n.position <= p_limit and n.bytes <= p_bytes),
         max(n.id),
         count(*) filter (where n.position <= p_limit and n.bytes <= p_bytes),
         bool_or(n.position > p_limit or n.bytes > p_bytes)
    into v_page.first_message, v_page.last_message, v_page.message_count, v_page.is_cut
    from newest as n;
  v_page.digest := (private.shared_messages(v_page)).digest;
  if v_page.digest is null then
    return jsonb_build_object('outcome', 'empty');
  end if;
  select s.* into v_known
    from public.shared_conversations as s
   where s.user_id = p_user_id and s.bot = p_bot and s.withdrawn_at is null
     and s.first_message = v_page.first_message and s.digest = v_page.digest;
  if found then
    return jsonb_build_object('outcome', 'shared', 'page', private.shared_page(v_known));
  elsif v_most <= (
    select count(*)
      from public.shared_conversations as s
     where s.user_id = p_user_id and s.withdrawn_at is null
  ) then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  end if;
  insert into public.shared_conversations (
    token, user_id, bot, bot_username, chat_id, thread_id, conversation_id, title, first_message, last_message, message_count,
    digest, is_cut, reference
  )
  values (
    p_token, p_user_id, p_bot, p_bot_username, p_chat_id, p_thread, v_page.conversation_id, v_conversation.name,
    v_page.first_message, v_page.last_message, v_page.message_count, v_page.digest, v_page.is_cut, p_reference
  )
  returning * into v_page;
  return jsonb_build_object('outcome', 'shared', 'page', private.shared_page(v_page));
end
$$;

revoke all on function public.share_conversation from public, anon, authenticated, service_role;
grant execute on function public.share_conversation to bot_backend;
comment on function public.share_conversation is 'Shares a conversation as a page';
