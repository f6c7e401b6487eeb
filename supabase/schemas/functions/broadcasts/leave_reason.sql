-- Says why a user leaves a sequence before its next step.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: purchase, reply, resolved (what it reminds of), unsubscribed, unreachable, segment; null: the user stays.
-- Errors: none.
create or replace function private.leave_reason(
  p_sequence public.sequences, p_run public.sequence_runs, p_user public.users, p_bot text
)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_sequence.leaves_on_purchase and p_run.bought_at is not null then
    return 'purchase';
  elsif p_sequence.leaves_on_reply and p_run.position > 0 and exists (
    select
      from public.bot_sessions as s
     where s.user_id = p_user.id and s.bot = p_run.last_bot and s.chat_id = p_user.telegram_id
       and s.last_update_id is distinct from p_run.last_update_id
       and s.last_update_id > coalesce(p_run.last_update_id, 0)
  ) then
    return 'reply';
  elsif private.is_resolved(p_sequence.event, p_user.id, p_run.entered_at) then
    return 'resolved';
  elsif p_sequence.kind = 'marketing' and exists (
    select from public.message_consents as c where c.user_id = p_user.id and c.unsubscribed_at is not null
  ) then
    return 'unsubscribed';
  elsif p_bot is null or (p_sequence.bot is not null and p_bot <> p_sequence.bot) or p_user.banned_at is not null then
    return 'unreachable';
  elsif p_run.position = 0 and not private.is_in_segment(p_user.id, p_sequence.segment) then
    return 'segment';
  end if;
  return null;
end
$$;

revoke all on function private.leave_reason from public, anon, authenticated, service_role;
comment on function private.leave_reason is 'Why a user leaves a sequence before its next step';
