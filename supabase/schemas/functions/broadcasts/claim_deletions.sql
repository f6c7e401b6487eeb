-- Claims messages of a broadcast that are to be deleted again, at most p_limit: those younger than 48 hours, which Telegram still
-- deletes; of one bot, at its pace. The last call ends the deletion.
--
-- Concurrency: the broadcast is locked, so calls follow each other; a message whose deletion was not recorded is claimed again.
-- Locks: broadcast, pace of the bot, recipients by user.
-- Returns: jsonb
--   is_open: boolean
--   wait: float                (seconds until the next call)
--   messages: [{ broadcast_id: bigint, user_id: bigint, bot: text, chat_id: bigint, message_id: bigint }]
-- Errors: none.
create or replace function public.claim_deletions(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.broadcasts;
  v_bot text;
  v_room integer := p_limit;
  v_wait double precision := 0;
  v_messages jsonb := '[]'::jsonb;
begin
  select b.* into v_row from public.broadcasts as b where b.deleting_after is not null order by b.id limit 1 for update;
  if not found then
    return jsonb_build_object('is_open', false, 'wait', 0, 'messages', v_messages);
  end if;
  select r.bot
    into v_bot
    from public.broadcast_recipients as r
   where r.broadcast_id = v_row.id and r.user_id > v_row.deleting_after and r.status = 'sent'
     and r.message_id is not null and r.sent_at > v_now - interval '48 hours'
   order by r.user_id
   limit 1;
  if found then
    select r.room, r.wait into v_room, v_wait from private.broadcast_room(v_bot, p_limit) as r;
    if v_room = 0 then
      return jsonb_build_object('is_open', true, 'wait', v_wait, 'messages', v_messages);
    end if;
  end if;
  with due as (
    select r.user_id, r.bot
      from public.broadcast_recipients as r
     where r.broadcast_id = v_row.id and r.user_id > v_row.deleting_after and r.status = 'sent'
       and r.message_id is not null and r.sent_at > v_now - interval '48 hours'
     order by r.user_id
     limit v_room
       for update
  ), of_bot as (
    -- Up to the first message of another bot: the broadcast remembers one user up to which it is done.
    select d.user_id
      from due as d
     where d.bot = v_bot and not exists (select from due as e where e.user_id < d.user_id and e.bot <> v_bot)
  ), claimed as (
    update public.broadcast_recipients as r
       set status = 'deleting', lease_until = v_now + interval '2 minutes'
      from of_bot as d
     where r.broadcast_id = v_row.id and r.user_id = d.user_id
    returning r.user_id, r.bot, r.message_id
  )
  select coalesce(
      jsonb_agg(jsonb_build_object(
        'broadcast_id', v_row.id, 'user_id', c.user_id, 'bot', c.bot, 'chat_id', u.telegram_id, 'message_id', c.message_id
      ) order by c.user_id),
      '[]'::jsonb
    )
    into v_messages
    from claimed as c
    join public.users as u on u.id = c.user_id;
  update public.broadcasts as b
     set deleting_after = case
       when v_messages <> '[]' then (v_messages -> -1 ->> 'user_id')::bigint
       when exists (
         select from public.broadcast_recipients as r where r.broadcast_id = v_row.id and r.status = 'deleting'
       ) then b.deleting_after
     end
   where b.id = v_row.id;
  if v_messages <> '[]' then
    perform private.use_broadcast_room(v_bot, jsonb_array_length(v_messages));
  end if;
  return jsonb_build_object('is_open', v_messages <> '[]', 'wait', 0, 'messages', v_messages);
end
$$;

revoke all on function public.claim_deletions from public, anon, authenticated, service_role;
grant execute on function public.claim_deletions to bot_backend;
comment on function public.claim_deletions is 'Claims messages of a broadcast that are to be deleted';
