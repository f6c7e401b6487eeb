-- Tells all admins something that is about no single payment; with p_payment_id, under a button to that one. Each hears it in
-- the bot that they wrote to last.
--
-- Twice or at once: every call owes the messages; the caller asks once.
-- Returns: see private.tell_person, one for each admin who ever wrote to a bot.
-- Errors: none.
create or replace function private.alarm_admins(p_key text, p_values jsonb, p_payment_id bigint default null)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(t.message), '[]'::jsonb)
      from public.admins as a
      join public.users as u on u.telegram_id = a.telegram_id
      cross join lateral (
        select s.bot
          from public.bot_sessions as s
         where s.user_id = u.id
         order by s.updated_at desc
         limit 1
      ) as b
      cross join lateral jsonb_array_elements(
        private.tell_person(
          u.id,
          b.bot,
          p_key,
          p_values || jsonb_build_object('payment', p_payment_id),
          case
            when p_payment_id is not null then jsonb_build_array(
              jsonb_build_array(
                jsonb_build_object('key', 'admin_button_payment', 'data', format('admin:payment:%s:new', p_payment_id))
              )
            )
          end
        )
      ) as t (message)
  );
end
$$;

revoke all on function private.alarm_admins from public, anon, authenticated, service_role;
comment on function private.alarm_admins is 'Tells all admins something that is about no single payment';
