-- Keeps a fact that the AI proposed, or declines it, as its user decided.
--
-- Concurrency: the user's row is locked, so of two decisions at once the first counts; a repeated one is answered the same.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'saved'
--     | 'declined'
--     | 'limit'            (the plan allows no more facts; the proposal stays open)
--     | 'off'              (the memory is off)
--     | 'gone'             (decided otherwise, expired after seven days, or not the user's)
--   fact: text | null      (saved)
--   id: bigint | null      (of the fact: saved)
--   most: int | null       (limit)
-- Errors: J0001 no such user.
create or replace function public.decide_proposal(p_user_id bigint, p_bot text, p_id bigint, p_is_kept boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_proposal public.ai_memory_proposals;
  v_fact public.ai_memory;
  v_saved jsonb;
  v_outcome text;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  end if;
  select p.* into v_proposal
    from public.ai_memory_proposals as p
   where p.id = p_id and p.user_id = p_user_id and p.bot = p_bot;
  select f.* into v_fact
    from public.ai_memory as f
   where f.reference = 'proposal:' || p_id and f.user_id = p_user_id;
  v_outcome := case
    when v_fact.id is not null and p_is_kept then 'saved'
    when v_proposal.declined_at is not null and not p_is_kept then 'declined'
    when v_proposal.id is null or v_proposal.declined_at is not null
      or v_proposal.created_at <= private.clock() - interval '7 days' then 'gone'
    when not p_is_kept then 'declined'
  end;
  if v_outcome is null then
    v_saved := public.remember_fact(p_user_id, p_bot, v_proposal.content, 'proposal:' || p_id);
    v_outcome := v_saved ->> 'outcome';
    if v_outcome = 'saved' then
      delete from public.ai_memory_proposals as p where p.id = p_id;
      select f.* into v_fact from public.ai_memory as f where f.id = (v_saved ->> 'id')::bigint;
    end if;
  elsif v_outcome = 'declined' then
    update public.ai_memory_proposals as p
       set declined_at = coalesce(p.declined_at, private.clock())
     where p.id = p_id;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'fact', case when v_outcome = 'saved' then v_fact.content end,
    'id', case when v_outcome = 'saved' then v_fact.id end,
    'most', (v_saved ->> 'most')::integer
  );
end
$$;

revoke all on function public.decide_proposal from public, anon, authenticated, service_role;
grant execute on function public.decide_proposal to bot_backend;
comment on function public.decide_proposal is 'Keeps a fact that the AI proposed, or declines it';
