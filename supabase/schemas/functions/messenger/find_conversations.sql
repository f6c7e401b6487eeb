-- Lists conversations for a member of the staff, newest message first (with sort waiting: those who wait longest first), page by
-- page.
--
-- p_filters: status (open, the default; closed, snoozed, all), unread, waiting, assignee (users.id, or mine, none), label, bot,
-- ready ([lowest, highest] score), sort. p_query: a part of the name, @username, Telegram id, number of an order, or words of a
-- message; with it, every status counts unless one is given. p_cursor: next of the page before.
--
-- Concurrency: read-only. A page begins behind the last row of the page before, so new messages shift nothing.
-- Locks: none.
-- Returns: jsonb
--   conversations: [ private.conversation_row ]
--   next: jsonb | null
--   cursor: text           (of conversation_changes: what changes from now on)
--   warn_minutes: int      (after which one who waits is shown in yellow)
--   late_minutes: int      (in red)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.find_conversations(p_actor_id bigint,
  p_filters jsonb default '{}',
  p_query text default null,
  p_cursor jsonb default null,
  p_limit integer default 40)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_limit constant integer := least(greatest(p_limit, 1), 100);
  v_is_waiting constant boolean := coalesce((p_filters ->> 'waiting')::boolean, false);
  v_is_unread constant boolean := coalesce((p_filters ->> 'unread')::boolean, false);
  v_ids bigint[];
  v_found bigint[];
  v_times timestamptz[];
  v_at timestamptz;
  v_id bigint;
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_query ~ '\S' then
    v_ids := private.search_conversations(p_query);
  end if;
  if p_filters ->> 'sort' = 'waiting' then
    v_at := coalesce((p_cursor ->> 0)::timestamptz, '-infinity');
    v_id := coalesce((p_cursor ->> 1)::bigint, 0);
    select array_agg(f.id order by f.place), array_agg(f.at order by f.place)
      into v_found, v_times
      from (
        select c.id, c.waiting_since as at, row_number() over (order by c.waiting_since, c.id) as place
          from public.conversations as c
          left join public.conversation_reads as r on r.conversation_id = c.id and r.operator_id = p_actor_id
         where c.waiting_since is not null and (c.waiting_since, c.id) > (v_at, v_id)
           and (v_ids is null or c.id = any (v_ids))
           and case coalesce(p_filters ->> 'status', case when v_ids is null then 'open' else 'all' end)
             when 'open' then c.status = 'open' and coalesce(c.snoozed_until <= v_now, true)
             when 'closed' then c.status = 'closed'
             when 'snoozed' then c.snoozed_until > v_now
             else true
           end
           and (not v_is_waiting or c.waiting_since is not null)
           and (p_filters ->> 'bot' is null or c.bot = p_filters ->> 'bot')
           and case p_filters ->> 'assignee'
             when 'mine' then c.assignee_id = p_actor_id
             when 'none' then c.assignee_id is null
             else p_filters ->> 'assignee' is null or c.assignee_id = (p_filters ->> 'assignee')::bigint
           end
           and (p_filters ->> 'ready' is null or c.ai_ready_score between (p_filters -> 'ready' ->> 0)::integer and (p_filters -> 'ready' ->> 1)::integer)
           and (p_filters ->> 'label' is null or exists (
             select
               from public.conversation_labels as k
              where k.conversation_id = c.id and k.label_id = (p_filters ->> 'label')::bigint
           ))
           and (not v_is_unread or c.last_in_seq > coalesce(r.read_seq, 0) or coalesce(r.is_marked_unread, false))
         order by c.waiting_since, c.id
         limit v_limit + 1
      ) as f;
  else
    v_at := coalesce((p_cursor ->> 0)::timestamptz, 'infinity');
    v_id := coalesce((p_cursor ->> 1)::bigint, 0);
    select array_agg(f.id order by f.place), array_agg(f.at order by f.place)
      into v_found, v_times
      from (
        select c.id, c.last_message_at as at, row_number() over (order by c.last_message_at desc, c.id desc) as place
          from public.conversations as c
          left join public.conversation_reads as r on r.conversation_id = c.id and r.operator_id = p_actor_id
         where (c.last_message_at, c.id) < (v_at, v_id)
           and (v_ids is null or c.id = any (v_ids))
           and case coalesce(p_filters ->> 'status', case when v_ids is null then 'open' else 'all' end)
             when 'open' then c.status = 'open' and coalesce(c.snoozed_until <= v_now, true)
             when 'closed' then c.status = 'closed'
             when 'snoozed' then c.snoozed_until > v_now
             else true
           end
           and (not v_is_waiting or c.waiting_since is not null)
           and (p_filters ->> 'bot' is null or c.bot = p_filters ->> 'bot')
           and case p_filters ->> 'assignee'
             when 'mine' then c.assignee_id = p_actor_id
             when 'none' then c.assignee_id is null
             else p_filters ->> 'assignee' is null or c.assignee_id = (p_filters ->> 'assignee')::bigint
           end
           and (p_filters ->> 'ready' is null or c.ai_ready_score between (p_filters -> 'ready' ->> 0)::integer and (p_filters -> 'ready' ->> 1)::integer)
           and (p_filters ->> 'label' is null or exists (
             select
               from public.conversation_labels as k
              where k.conversation_id = c.id and k.label_id = (p_filters ->> 'label')::bigint
           ))
           and (not v_is_unread or c.last_in_seq > coalesce(r.read_seq, 0) or coalesce(r.is_marked_unread, false))
         order by c.last_message_at desc, c.id desc
         limit v_limit + 1
      ) as f;
  end if;
  return jsonb_build_object(
    'conversations', (
      select coalesce(jsonb_agg(private.conversation_row(c, p_actor_id) order by f.place), '[]'::jsonb)
        from unnest(v_found[:v_limit]) with ordinality as f (id, place)
        join public.conversations as c on c.id = f.id
    ),
    'next', case when cardinality(v_found) > v_limit then jsonb_build_array(v_times[v_limit], v_found[v_limit]) end,
    'cursor', pg_snapshot_xmin(pg_current_snapshot())::text,
    'warn_minutes', private.setting('messenger_warn_minutes')::integer,
    'late_minutes', private.setting('messenger_late_minutes')::integer
  );
end
$$;

revoke all on function public.find_conversations from public, anon, authenticated, service_role;
grant execute on function public.find_conversations to bot_backend;
comment on function public.find_conversations is 'Lists conversations for a member of the staff';
