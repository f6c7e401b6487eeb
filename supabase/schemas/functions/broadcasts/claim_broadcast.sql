-- Claims messages of running broadcasts for sending through a bot, at most p_limit and what its pace allows, those of sequences
-- and of service broadcasts first. A recipient who may not get it any more is skipped; one in the quiet hours waits for their end.
-- Messages whose lease has passed become unknown: they may have been sent, and are never sent again.
--
-- Concurrency: the pace of the bot is locked, so claims of one bot follow each other; recipients that another transaction has
--   locked are skipped. A broadcast that was paused or canceled before gives nothing.
-- Locks: pace of the bot, recipients and users (NO KEY UPDATE), both skipped where locked, then consents, then broadcasts.
-- Returns: jsonb
--   wait: float                (seconds until the next call; 0: at once)
--   checked: int               (recipients looked at; 0: none is due)
--   contents: { [text]: { kind: text, content: jsonb, media: { kind: text, file_id: text | null } | null } }
--   messages: [{
--     broadcast_id: bigint
--     user_id: bigint
--     chat_id: bigint
--     name: text
--     languages: [ text | null ]
--   }]
-- Errors: none.
create or replace function public.claim_broadcast(p_bot text, p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_from constant integer := private.setting('broadcast_quiet_from')::integer;
  v_until constant integer := private.setting('broadcast_quiet_until')::integer;
  v_pause constant interval := make_interval(days => private.setting('broadcast_marketing_days')::integer);
  v_room integer;
  v_wait double precision;
  v_broadcast public.broadcasts;
  v_due record;
  v_reason text;
  v_after timestamptz;
  v_checked integer := 0;
  v_skipped integer;
  v_messages jsonb := '[]'::jsonb;
  v_contents jsonb := '{}'::jsonb;
begin
  select r.room, r.wait into v_room, v_wait from private.broadcast_room(p_bot, p_limit) as r;
  v_now := private.clock();
  if v_room = 0 then
    return jsonb_build_object('wait', v_wait, 'checked', 0, 'contents', v_contents, 'messages', v_messages);
  end if;
  for v_broadcast in
    select b.*
      from public.broadcasts as b
     where b.status = 'running'
     order by b.sequence_id is null, b.kind = 'marketing', b.id
  loop
    v_skipped := 0;
    for v_due in
      select r.user_id, u as person
        from public.broadcast_recipients as r
        join public.users as u on u.id = r.user_id
       where r.broadcast_id = v_broadcast.id and r.bot = p_bot and r.status = 'queued' and r.send_after <= v_now
       order by r.send_after
       limit 200
         for update of r skip locked
         for no key update of u skip locked
    loop
      v_checked := v_checked + 1;
      v_after := private.after_quiet_hours(v_now, private.reminder_time_zone(v_due.user_id), v_from, v_until);
      v_reason := private.skip_reason(v_broadcast, v_due.person, p_bot);
      if v_reason is null and v_after <= v_now and v_broadcast.kind = 'marketing' then
        -- Only holders of the user's row write here, so that of two broadcasts one is the message of the week.
        insert into public.message_consents as c (user_id, last_marketing_at, last_marketing_by)
        values (v_due.user_id, v_now, v_broadcast.id)
        on conflict (user_id) do update
          set last_marketing_at = excluded.last_marketing_at, last_marketing_by = excluded.last_marketing_by
        where c.unsubscribed_at is null and (
          v_broadcast.ignores_limit
          or c.last_marketing_by = v_broadcast.id
          or c.last_marketing_at is null
          or c.last_marketing_at <= v_now - v_pause
        );
        v_reason := case when not found then 'limit' end;
      end if;
      update public.broadcast_recipients as r
         set status = case when v_reason is not null then 'skipped' when v_after > v_now then 'queued' else 'sending' end,
             error = v_reason,
             send_after = v_after,
             lease_until = case when v_reason is null and v_after <= v_now then v_now + interval '2 minutes' end
       where r.broadcast_id = v_broadcast.id and r.user_id = v_due.user_id;
      if v_reason is not null then
        v_skipped := v_skipped + 1;
        continue;
      elsif v_after > v_now then
        continue;
      end if;
      v_messages := v_messages || jsonb_build_object(
        'broadcast_id', v_broadcast.id,
        'user_id', v_due.user_id,
        'chat_id', (v_due.person).telegram_id,
        'name', (v_due.person).first_name,
        'languages', jsonb_build_array((v_due.person).language, (v_due.person).language_code)
      );
      if not v_contents ? v_broadcast.id::text then
        v_contents := v_contents || jsonb_build_object(v_broadcast.id::text, private.broadcast_content(v_broadcast, p_bot));
      end if;
      exit when jsonb_array_length(v_messages) >= v_room;
    end loop;
    if v_skipped > 0 then
      update public.broadcasts as b set skipped = b.skipped + v_skipped where b.id = v_broadcast.id;
    end if;
    exit when jsonb_array_length(v_messages) >= v_room;
  end loop;
  if v_messages <> '[]' then
    perform private.use_broadcast_room(p_bot, jsonb_array_length(v_messages));
  end if;
  return jsonb_build_object('wait', 0, 'checked', v_checked, 'contents', v_contents, 'messages', v_messages);
end
$$;

revoke all on function public.claim_broadcast from public, anon, authenticated, service_role;
grant execute on function public.claim_broadcast to bot_backend;
comment on function public.claim_broadcast is 'Claims messages of broadcasts for sending through a bot';
