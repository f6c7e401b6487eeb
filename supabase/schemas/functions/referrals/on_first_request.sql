-- Completes a user's first served request: clears `is_newcomer`, gives XP, settles a pending referral and enqueues a message to
-- the referrer.
--
-- Concurrency: the caller holds the update row. Of two first requests at once the second finds the referral
--   completed. No user is locked before private.settle_referral locks both in the order of their ids.
-- Locks: referrer and user (NO KEY UPDATE) by id, then the referral.
-- Returns: jsonb, list of the messages about it, to deliver now or left to the sweep (outgoing): to the referrer, who is not
--   banned, and about new levels.
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
  v_settled jsonb;
  v_outgoing jsonb := '[]'::jsonb;
  v_parameters jsonb;
begin
  if not exists (select from public.users as u where u.id = p_user_id and u.is_newcomer) then
    return v_outgoing;
  end if;
  select r.* into v_referral
    from public.user_referrals as r
   where r.referred_id = p_user_id and r.status = 'pending';
  if found then
    v_settled := private.settle_referral(p_user_id);
  end if;
  if v_settled ->> 'outcome' = 'completed' then
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
    if found then  -- otherwise the referrer was erased, or is banned and gets no message
      v_outgoing := jsonb_build_array(
        jsonb_build_object(
          'bot', p_bot,
          'id', (private.enqueue_calls(
            p_bot, p_update_id,
            jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
          ) ->> 0)::bigint,
          'method', 'template',
          'parameters', v_parameters
        )
      );
    end if;
    v_outgoing := v_outgoing || (v_settled -> 'outgoing');
  end if;
  return v_outgoing || private.complete_first_request(p_user_id, p_bot);
end
$$;

revoke all on function private.on_first_request from public, anon, authenticated, service_role;
comment on function private.on_first_request is 'Completes what follows a user''s first served request';
