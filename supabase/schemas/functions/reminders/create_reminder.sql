-- Sets a reminder: at a time of the user's clock (p_day and p_time), or p_seconds from now. A time that the clock skips in
-- spring counts as the one an hour later, a time that comes twice in autumn as the second.
--
-- p_words: cut to 1000 characters.
--
-- Concurrency: once per p_reference; the user's row is locked, so that two calls at once do not exceed the limit.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'set'
--     | 'limit'                (the plan allows no more)
--     | 'past'
--     | 'too_far'              (more than 366 days ahead)
--   limit: int | null
--   due_at: timestamptz | null
--   time_zone: text
-- Errors: Z0004, no such user.
create or replace function public.create_reminder(
  p_user_id bigint, p_bot text, p_words text, p_reference text,
  p_day date default null, p_time time default null, p_seconds integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_zone text;
  v_limit integer;
  v_due timestamptz;
  v_outcome text := 'set';
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  v_zone := private.reminder_time_zone(p_user_id);
  v_limit := private.reminder_limit(p_user_id);
  select r.due_at into v_due from public.reminders as r where r.user_id = p_user_id and r.reference = p_reference;
  if not found then
    v_due := case
      when p_day is null then v_now + make_interval(secs => p_seconds) else (p_day + p_time) at time zone v_zone
    end;
    v_outcome := case
      when v_due <= v_now then 'past'
      when v_due > v_now + interval '366 days' then 'too_far'
      when (
        select count(*)
          from (select from public.reminders as r where r.user_id = p_user_id and r.sent_at is null limit v_limit) as n
      ) >= v_limit then 'limit'
      else 'set'
    end;
    if v_outcome = 'set' then
      insert into public.reminders (user_id, bot, words, day, time_of_day, due_at, reference)
      values (
        p_user_id, p_bot, left(p_words, 1000), p_day, case when p_day is not null then p_time end, v_due, p_reference
      );
    end if;
  end if;
  return jsonb_build_object('outcome', v_outcome, 'limit', v_limit, 'due_at', v_due, 'time_zone', v_zone);
end
$$;

revoke all on function public.create_reminder from public, anon, authenticated, service_role;
grant execute on function public.create_reminder to bot_backend;
comment on function public.create_reminder is 'Sets a reminder';
