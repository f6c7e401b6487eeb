-- Returns a user's reminders in a bot that are still to come, the next first, at most 100, with the
-- time zone of the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   clock: timestamptz         (the present)
--   time_zone: text
--   reminders: [ { id: bigint, words: text, due_at: timestamptz } ]
-- Errors: none.
create or replace function public.list_reminders(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'clock', private.clock(),
    'time_zone', private.reminder_time_zone(p_user_id),
    'reminders', (
      select coalesce(
          jsonb_agg(jsonb_build_object('id', n.id, 'words', n.words, 'due_at', n.due_at) order by n.due_at, n.id),
          '[]'::jsonb
        )
        from (
          select r.id, r.words, r.due_at
            from public.reminders as r
           where r.user_id = p_user_id and r.bot = p_bot and r.sent_at is null
           order by r.due_at
           limit 100
        ) as n
    )
  );
end
$$;

revoke all on function public.list_reminders from public, anon, authenticated, service_role;
grant execute on function public.list_reminders to bot_backend;
comment on function public.list_reminders is 'Returns a user''s reminders in a bot';
