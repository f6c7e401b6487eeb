-- Gives one AI request back to where it was taken from.
--
-- Twice or at once: the caller holds the update's row and asks only while that says "reserved".
-- Returns: nothing.
-- Errors: none.
create or replace function private.release_usage(
  p_user_id bigint, p_bot text, p_day date, p_reserved_from text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_reserved_from = 'bonus' then
    update public.users as u set bonus_credits = u.bonus_credits + 1 where u.id = p_user_id;
    update public.daily_usage as u
       set bonus_requests = u.bonus_requests - 1
     where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day and u.bonus_requests > 0;
  else
    update public.daily_usage as u
       set requests = u.requests - 1
     where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day and u.requests > 0;
  end if;
end
$$;

revoke all on function private.release_usage from public, anon, authenticated;
comment on function private.release_usage is 'Gives one AI request back';
