-- Notifies the admins that the bot cannot check who joined the channel of the setting required_channel:<bot>: at most once a
-- day for a channel.
--
-- Concurrency: the row that remembers the alarm is unique, so that of several calls at once one notifies.
-- Locks: the row of private.settings that remembers the alarm.
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.alarm_required_channel(p_bot text, p_channel text, p_reason text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.settings as s (key, value, about)
  values (
    'required_channel_alarm:' || p_bot,
    jsonb_build_object('channel', p_channel, 'sent_at', extract(epoch from private.clock())),
    'The last alarm about the required channel; written by the bot'
  )
  on conflict (key) do update set value = excluded.value
   where s.value ->> 'channel' <> p_channel
      or (s.value ->> 'sent_at')::numeric < extract(epoch from private.clock()) - 86400;
  if not found then
    return '[]'::jsonb;
  end if;
  return private.notify_admins(
    'required_channel_alarm', jsonb_build_object('bot', p_bot, 'channel', p_channel, 'reason', left(p_reason, 200))
  );
end
$$;

revoke all on function public.alarm_required_channel from public, anon, authenticated, service_role;
grant execute on function public.alarm_required_channel to bot_backend;
comment on function public.alarm_required_channel is 'Notifies the admins that the members of the required channel cannot be checked';
