-- Tells the admins where a day of a provider's own lists and our records differ, with buttons to the payments that are
-- known here.
--
-- Twice or at once: every call owes the messages; the caller asks once for each difference.
-- Returns: see private.tell_person, one for each admin who ever wrote to a bot.
-- Errors: none.
create or replace function private.tell_gaps(p_provider text, p_day date, p_gaps jsonb)
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
      cross join lateral (
        select count(*) filter (where g.value ->> 'what' = 'not_here') as not_here,
               count(*) filter (where g.value ->> 'what' = 'not_there') as not_there,
               count(*) filter (where g.value ->> 'what' = 'differs') as differs,
               string_agg(g.value ->> 'number', ', ' order by g.place) filter (where g.place <= 5) as numbers
          from jsonb_array_elements(p_gaps) with ordinality as g (value, place)
      ) as n
      cross join lateral jsonb_array_elements(
        private.tell_person(
          u.id,
          b.bot,
          'statement_alarm',
          jsonb_build_object(
            'provider', jsonb_build_object('text', 'provider_' || p_provider),
            'day', p_day,
            'not_here', n.not_here,
            'not_there', n.not_there,
            'differs', n.differs,
            'numbers', n.numbers
          ),
          (
            select jsonb_agg(
                jsonb_build_array(
                  jsonb_build_object('key', 'admin_button_payment', 'data', format('admin:payment:%s:new', k.payment))
                )
              )
              from (
                select distinct (g.value ->> 'payment')::bigint as payment
                  from jsonb_array_elements(p_gaps) as g (value)
                 where g.value ->> 'payment' is not null
                 order by 1
                 limit 1
              ) as k
          )
        )
      ) as t (message)
  );
end
$$;

revoke all on function private.tell_gaps from public, anon, authenticated, service_role;
comment on function private.tell_gaps is 'Tells the admins where a provider''s lists and our records differ';
