-- Tells people that what they bought ends: three days before, one day before, and when it has ended. Who renews is not
-- reminded beforehand.
--
-- Twice or at once: subscriptions that somebody holds and people who are being erased are skipped; each reminder is kept and sent once. A reminder that
--   is late by more than a day is not sent: the next one is nearer the truth. An extended time is reminded of anew.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function public.remind_of_ends(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.plan, s.ends_at, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select case
            when s.ends_at <= v_now then 'over'
            when s.ends_at <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1
      ) as b on true
     where s.source in ('purchase', 'trial')
       and s.ends_at between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
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
      'ends_' || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.ends_at))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.remind_of_ends from public, anon, authenticated;
grant execute on function public.remind_of_ends to bot_backend, service_role;
comment on function public.remind_of_ends is 'Tells people that what they bought ends';
