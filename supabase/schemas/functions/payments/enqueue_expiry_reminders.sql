-- Reminds users that a purchased, trial or promo subscription expires: three days before, one day before, and when it has
-- expired. No reminder before the end is sent to a user whose renewal is active; that user is notified after the grace period.
-- No reminder is sent when another subscription continues the plan, or when the subscription is shorter than the time before
-- its end. An active sequence that takes the user reminds instead (private.enter_rule): one of the event plan_ending before the end,
-- one of trial_ended or plan_ended at the end.
--
-- Concurrency: subscriptions that another transaction has locked and users who are being erased are skipped. A reminder is
--   stored in subscriptions.reminded and sent once; an extended subscription is reminded of again. A reminder that is more than
--   a day late is not sent: the next one is more accurate.
-- Locks: subscriptions by ends_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED) and run.
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_expiry_reminders(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_is_taken boolean;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, k.until, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select private.effective_end(s.user_id, s.plan, s.source, s.ends_at) as until
      ) as k
      cross join lateral (
        select case
            when k.until <= v_now then 'over'
            when k.until <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select coalesce(
            (select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1),
            -- Without an order (trial, promo code): the bot that the user used last.
            (select private.reachable_bot(u.id, u.telegram_id, null) from public.users as u where u.id = s.user_id)
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial', 'promo', 'service')
       and s.ends_at between v_now - interval '1 day' - private.grace_period() and v_now + interval '3 days'
       and k.until between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
       and (r.reminder = 'over' or s.reminded is distinct from 'rule ' || s.ends_at::text)
       and s.starts_at < s.ends_at - case r.reminder
         when 'days' then interval '3 days'
         when 'day' then interval '1 day'
         else interval '0'
       end
       and not exists (
         select
           from public.subscriptions as a
           join public.subscription_limits as l on l.plan = a.plan
           join public.subscription_limits as m on m.plan = s.plan
          where a.user_id = s.user_id
            and a.status = 'active'
            and l.vip_level >= m.vip_level
            and (a.ends_at is null or a.ends_at > s.ends_at)
       )
       and (
         r.reminder = 'over'
         or not exists (
           select from public.renewals as n
            where n.user_id = s.user_id and n.status in ('active', 'past_due')
         )
       )
     order by s.ends_at
     limit p_limit
       for update of s skip locked
  loop
    perform from public.users as u where u.id = v_due.user_id for key share skip locked;
    continue when not found;
    v_is_taken := case
      when v_due.reminder <> 'over' then private.enter_rule(v_due.user_id, 'plan_ending')
      when v_due.source in ('trial', 'purchase') then private.enter_rule(v_due.user_id, private.end_event(v_due.source))
      else false
    end;
    update public.subscriptions as s
       set reminded = case when v_is_taken and v_due.reminder <> 'over' then 'rule' else v_due.reminder end || ' ' || s.ends_at::text
     where s.id = v_due.id;
    continue when v_is_taken;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.until))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_expiry_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_expiry_reminders to bot_backend;
comment on function public.enqueue_expiry_reminders is 'Reminds users that a subscription expires';
