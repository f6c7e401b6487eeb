-- Gives a user the free trainings for joining a channel (the setting channel_trainings), once for each channel, also
-- after an erasure. The caller has asked Telegram whether the user is a member.
--
-- Concurrency: the channel is unique for a user.
-- Locks: user (KEY SHARE).
-- Returns: jsonb
--   outcome: 'given' | 'already_given' | 'off'
--   trainings: int         (how many the channel gives)
-- Errors: Z0004, no such user.
create or replace function public.give_channel_trainings(p_user_id bigint, p_channel_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_trainings integer := private.setting('channel_trainings')::integer;
  v_outcome text := 'off';
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  if v_trainings > 0 then
    v_outcome := case
      when private.give_trainings(p_user_id, 'channel', p_channel_id::text, v_trainings) then 'given'
      else 'already_given'
    end;
  end if;
  return jsonb_build_object('outcome', v_outcome, 'trainings', v_trainings);
end
$$;

revoke all on function public.give_channel_trainings from public, anon, authenticated, service_role;
grant execute on function public.give_channel_trainings to bot_backend;
comment on function public.give_channel_trainings is 'Gives a user the free trainings for joining a channel';
