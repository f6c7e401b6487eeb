-- Tells people that what they bought, or their free trial, ends: three days before, one day before, and when it has ended.
-- Who renews is not reminded beforehand, and hears of the end when the days of grace are over; whose plan goes on by
-- something else, and what is shorter than the time before which it would be told, is not told of at all.
--
-- Twice or at once: subscriptions that somebody holds and people who are being erased are skipped; each reminder is kept and sent once. A reminder that
--   is late by more than a day is not sent: the next one is nearer the truth. An extended time is reminded of anew.
-- Returns: jsonb array of the outbox items to deliver now.
-- Errors: none.
create or replace function public.remind_of_ends(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, k.until, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select private.kept_until(s.user_id, s.plan, s.source, s.ends_at) as until
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
            -- Who has a trial or a promo code may have ordered nothing: by the bot they wrote to last.
            (
              select n.bot
                from public.bot_sessions as n
                join public.users as u on u.id = n.user_id
               where n.user_id = s.user_id and n.chat_id = u.telegram_id
               order by n.updated_at desc
               limit 1
            )
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial', 'promo')
       and s.ends_at between v_now - interval '1 day' - private.grace_period() and v_now + interval '3 days'
       and k.until between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
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
    update public.subscriptions as s
       set reminded = v_due.reminder || ' ' || s.ends_at::text
     where s.id = v_due.id;
    v_outgoing := v_outgoing || private.tell_person(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.until))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.remind_of_ends from public, anon, authenticated, service_role;
grant execute on function public.remind_of_ends to bot_backend;
comment on function public.remind_of_ends is 'Tells people that what they bought ends';
