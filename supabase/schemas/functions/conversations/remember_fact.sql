-- Stores a fact that a user asked a bot to keep. The first one switches the memory on.
--
-- Concurrency: the user's row is locked, so the limit of the plan holds; a known reference returns its fact.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'saved' | 'limit' | 'off'
--   id?: bigint                 (saved)
--   most?: int                  (limit)
-- Errors: J0001 no such user; J0002 the fact is empty or too long, or the reference is another user's.
create or replace function public.remember_fact(p_user_id bigint, p_bot text, p_content text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_known public.ai_memory;
  v_most integer;
  v_id bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(coalesce(p_content, '')) not between 1 and 300 then
    raise exception 'a fact has 1 to 300 characters' using errcode = 'J0002';
  end if;
  select f.* into v_known from public.ai_memory as f where f.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'saved', 'id', v_known.id);
  elsif not v_user.memory_enabled then
    return jsonb_build_object('outcome', 'off');
  end if;
  v_most := (private.conversation_limits(p_user_id)).memory_facts;
  if (select count(*) from public.ai_memory as f where f.user_id = p_user_id and f.bot = p_bot) >= v_most then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  end if;
  insert into public.ai_memory (user_id, bot, content, reference)
  values (p_user_id, p_bot, p_content, p_reference)
  returning id into v_id;
  update public.users as u set memory_enabled = true where u.id = p_user_id and u.memory_enabled is null;
  return jsonb_build_object('outcome', 'saved', 'id', v_id);
end
$$;

revoke all on function public.remember_fact from public, anon, authenticated, service_role;
grant execute on function public.remember_fact to bot_backend;
comment on function public.remember_fact is 'Stores a fact that a user asked a bot to keep';
