-- Lets a user enter the first active sequence of an event that takes them, in place of the bot's own reminder. It takes those of its
-- segment that its bot reaches; a marketing one leaves out users who unsubscribed.
--
-- Concurrency: the caller holds the row that the reminder is about and marks it, so that one cause has one reminder.
-- Locks: as private.enter_run.
-- Returns: boolean: a sequence takes care of the user, now or already; false: the bot's own reminder goes out.
-- Errors: none.
create or replace function private.enter_rule(p_user_id bigint, p_event text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence public.sequences;
  v_delay interval;
  v_bot text;
begin
  for v_sequence in
    select s.* from public.sequences as s where s.is_active and s.event = p_event order by s.id
  loop
    v_delay := private.first_delay(v_sequence.id);
    select private.reachable_bot(u.id, u.telegram_id, v_sequence.bot) into v_bot
      from public.users as u
     where u.id = p_user_id and u.banned_at is null;
    continue when v_delay is null
      or v_bot is null
      or v_bot <> coalesce(v_sequence.bot, v_bot)
      or not private.is_in_segment(p_user_id, v_sequence.segment)
      or (v_sequence.kind = 'marketing' and exists (
        select from public.message_consents as c where c.user_id = p_user_id and c.unsubscribed_at is not null
      ));
    if private.enter_run(v_sequence, p_user_id, private.clock() + v_delay)
      or exists (
        select
          from public.sequence_runs as q
         where q.sequence_id = v_sequence.id and q.user_id = p_user_id and q.status = 'active'
      )
    then
      return true;
    end if;
  end loop;
  return false;
end
$$;

revoke all on function private.enter_rule from public, anon, authenticated, service_role;
comment on function private.enter_rule is 'Lets a user enter the first sequence of an event that takes them';
