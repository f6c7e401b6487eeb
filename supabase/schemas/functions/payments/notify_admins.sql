-- Queues a templated message for the admins: all of them, or the one of p_admin_email. Each gets it in a bot that they have
-- written to, in p_bot if they can.
--
-- Twice or at once: every call queues the messages; the caller asks once.
-- Returns: see private.tell_person, one for each admin who ever wrote to a bot.
-- Errors: none.
create or replace function private.notify_admins(
  p_key text, p_values jsonb, p_buttons jsonb default null, p_bot text default null, p_admin_email text default null
)
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
         order by s.bot = p_bot desc nulls last, s.updated_at desc
         limit 1
      ) as b
      cross join lateral jsonb_array_elements(
        private.tell_person(u.id, b.bot, p_key, p_values, p_buttons)
      ) as t (message)
     where p_admin_email is null or a.email = p_admin_email
  );
end
$$;

revoke all on function private.notify_admins from public, anon, authenticated, service_role;
comment on function private.notify_admins is 'Queues a message for the admins';
