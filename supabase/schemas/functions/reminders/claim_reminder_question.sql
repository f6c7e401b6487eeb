-- Claims the words of a reminder to ask them as a question: at most once a minute, so that a double tap costs one request.
--
-- Concurrency: the row is locked; a repetition with the same p_reference is answered the same.
-- Locks: reminder.
-- Returns: jsonb
--   outcome: 'ask' | 'asked' | 'gone'
--   words: text | null
-- Errors: none.
create or replace function public.claim_reminder_question(p_user_id bigint, p_id bigint, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_reminder public.reminders;
begin
  select r.* into v_reminder from public.reminders as r where r.id = p_id and r.user_id = p_user_id for update;
  if not found then
    return jsonb_build_object('outcome', 'gone', 'words', null);
  end if;
  if v_reminder.asked_by is distinct from p_reference then
    if v_reminder.asked_at > v_now - interval '1 minute' then
      return jsonb_build_object('outcome', 'asked', 'words', null);
    end if;
    update public.reminders as r set asked_at = v_now, asked_by = p_reference where r.id = p_id;
  end if;
  return jsonb_build_object('outcome', 'ask', 'words', v_reminder.words);
end
$$;

revoke all on function public.claim_reminder_question from public, anon, authenticated, service_role;
grant execute on function public.claim_reminder_question to bot_backend;
comment on function public.claim_reminder_question is 'Claims the words of a reminder to ask them as a question';
