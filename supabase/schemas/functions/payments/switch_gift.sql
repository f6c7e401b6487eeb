-- Takes a gift back after a refund or dispute (p_is_off), or restores it. A gift that was accepted takes the plan's time from
-- the recipient, at most what is left of the gift, and tells them: what they bought for themselves after it stays. A restoration
-- gives back what was taken.
--
-- Concurrency: the caller holds the payment; every call changes the gift at most once.
-- Locks: gift, recipient (NO KEY UPDATE, held by the caller), their subscriptions of the plan.
-- Returns: void
-- Errors: none.
create or replace function private.switch_gift(p_payment_id bigint, p_is_off boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_gift public.gifts;
  v_left numeric;
  v_ends_at timestamptz;
  v_seconds numeric := 0;
begin
  select g.* into v_gift from public.gifts as g where g.payment_id = p_payment_id for no key update;
  if not found or (v_gift.revoked_at is not null) = p_is_off then
    return;
  end if;
  v_ends_at := coalesce(v_gift.ends_at, v_gift.taken_at + make_interval(secs => v_gift.seconds::double precision));
  v_left := least(v_gift.seconds, extract(epoch from v_ends_at - v_now));
  if v_gift.taken_by is not null and p_is_off and v_left > 0 then
    v_seconds := floor(private.shorten_subscription(v_gift.taken_by, v_gift.plan, 'purchase', v_left));
  elsif v_gift.taken_by is not null and not p_is_off and v_gift.seconds_revoked > 0 then
    select s.ends_at into v_ends_at
      from private.extend_subscription(v_gift.taken_by, v_gift.plan, 'purchase', null, v_gift.seconds_revoked) as e
      join public.subscriptions as s on s.id = e.subscription_id;
  end if;
  update public.gifts as g
     set revoked_at = case when p_is_off then v_now end, seconds_revoked = v_seconds, ends_at = v_ends_at
   where g.payment_id = p_payment_id;
  if v_gift.taken_by is not null then
    perform private.enqueue_user_message(  -- delivered by the sweep
      v_gift.taken_by,
      private.reachable_bot(v_gift.taken_by, u.telegram_id, v_gift.bot),
      case when p_is_off then 'gift_revoked_notice' else 'gift_restored_notice' end,
      jsonb_build_object('title', private.product_titles(v_gift.product_key))
    )
      from public.users as u
     where u.id = v_gift.taken_by;
  end if;
end
$$;

revoke all on function private.switch_gift from public, anon, authenticated, service_role;
comment on function private.switch_gift is 'Takes a gift back, or restores it';
