-- What follows from a person's first served request: they are new no more, and whoever brought them hears of it.
--
-- Twice or at once: the caller holds the update's row; of two first requests at once the second finds the
--   referral completed. Nobody's row is locked before private.settle_referral locks both in their order.
-- Returns: jsonb {id, method, parameters} of the notice that is owed to the referrer now, or null (nobody
--   brought them, or whoever did is banned and told nothing).
-- Errors: none.
create or replace function private.on_first_request(p_user_id bigint, p_bot text, p_update_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_referral public.user_referrals;
  v_parameters jsonb;
  v_id bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id and u.is_newcomer) then
    return null;
  end if;
  select r.* into v_referral
    from public.user_referrals as r
   where r.referred_id = p_user_id and r.status = 'pending';
  if not found or private.settle_referral(p_user_id) <> 'completed' then
    update public.users as u set is_newcomer = false where u.id = p_user_id;
    return null;
  end if;
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', 'referral_notice',
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', jsonb_build_object('name', jsonb_build_object('name', n.first_name), 'credits', r.referrer_credits)
    )
    into v_parameters
    from public.user_referrals as r
    join public.users as u on u.id = r.referrer_id
    join public.users as n on n.id = r.referred_id
   where r.id = v_referral.id and u.banned_at is null;
  if not found then  -- whoever brought them was erased, or is banned and told nothing
    return null;
  end if;
  v_id := (
    private.enqueue_calls(
      p_bot, p_update_id, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
    ) ->> 0
  )::bigint;
  return jsonb_build_object('id', v_id, 'method', 'template', 'parameters', v_parameters);
end
$$;

revoke all on function private.on_first_request from public, anon, authenticated, service_role;
comment on function private.on_first_request is 'What follows from a person''s first served request';
