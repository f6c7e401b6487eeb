-- Claims messages of a broadcast that are to be deleted again, at most p_limit: those younger than 48 hours, which Telegram still
-- deletes. The last call ends the deletion. Deletions of all bots together keep the pace of one.
--
-- Concurrency: the pace of deletions is locked, so calls follow each other; a message whose deletion was not recorded is claimed
--   again.
-- Locks: pace of deletions (its bot is empty), recipients by user, broadcast.
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
  v_room integer;
  v_wait double precision;
  v_messages jsonb := '[]'::jsonb;
begin
  select r.room, r.wait into v_room, v_wait from private.broadcast_room('', p_limit) as r;
  select b.* into v_row from public.broadcasts as b where b.deleting_after is not null order by b.id limit 1;
  if not found or v_room = 0 then
    return jsonb_build_object('is_open', v_row.id is not null, 'wait', v_wait, 'messages', v_messages);
  end if;
  with due as (
    select r.user_id
      from public.broadcast_recipients as r
     where r.broadcast_id = v_row.id and r.user_id > v_row.deleting_after and r.status = 'sent'
       and r.message_id is not null and r.sent_at > v_now - interval '48 hours'
     order by r.user_id
     limit v_room
       for update
  ), claimed as (
    update public.broadcast_recipients as r
       set status = 'deleting', lease_until = v_now + interval '2 minutes'
      from due as d
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
  perform private.use_broadcast_room('', jsonb_array_length(v_messages));
  return jsonb_build_object('is_open', v_messages <> '[]', 'wait', 0, 'messages', v_messages);
end
$$;

revoke all on function public.claim_deletions from public, anon, authenticated, service_role;
grant execute on function public.claim_deletions to bot_backend;
comment on function public.claim_deletions is 'Claims messages of a broadcast that are to be deleted';
