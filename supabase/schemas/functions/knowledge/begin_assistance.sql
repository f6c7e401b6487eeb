-- Admits a call to the AI that helps an operator, and returns what it may read of a conversation: texts of the user, the AI and the team,
-- and published articles. Notes, taps, contacts and answers of the bot's menus are left out; Python hides contacts in texts.
--
-- p_reason: draft_reply, summary, translation, article. p_seq: of a translation, the message; null: of a text that the operator typed. p_cost: US dollars that the call may cost at
-- most; the bot's budget of the day (setting assistance_daily_cost, or assistance_daily_cost:<bot>) holds them until
-- public.finish_assistance.
--
-- Concurrency: the budget is taken by one statement, so calls at once do not exceed it.
-- Locks: the bot's row of assistance_days.
-- Returns: jsonb
--   outcome: 'ready' | 'empty' | 'limited'       (empty: there is nothing to read; limited: the budget of the day is spent)
--   bot: text
--   day: date
--   language?: text                              (ready, as all that follows: the user's)
--   messages?: [ { from: 'user' | 'ai' | 'staff', text: text } ]      (oldest first)
--   articles?: [ { language: text, slug: text, title: text, body: text } ]     (of a draft reply)
--   seq?: bigint                                 (of the newest message)
-- Errors: N0009 not an operator; I0001 no such conversation.
create or replace function public.begin_assistance(
  p_actor_id bigint, p_conversation_id bigint, p_reason text, p_cost numeric, p_seq bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_day constant date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_conversation public.conversations;
  v_messages jsonb := '[]'::jsonb;
  v_budget numeric;
begin
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  perform private.audit_reading(
    v_account, 'read_conversation', p_conversation_id::text, v_conversation.user_id,
    jsonb_build_object('conversation_id', p_conversation_id)
  );
  select coalesce(jsonb_agg(jsonb_build_object('from', m.source, 'text', left(m.body, 4000)) order by m.seq), '[]'::jsonb)
    into v_messages
    from (
      select k.seq, k.source, k.body
        from public.conversation_messages as k
       where k.conversation_id = p_conversation_id and k.source in ('user', 'ai', 'staff') and k.deleted_at is null
         and k.kind in ('text', 'photo', 'video', 'voice', 'audio', 'document', 'animation') and k.body ~ '\S'
         and not coalesce(k.media ? 'is_forwarded', false)
         and (p_reason <> 'translation' or k.seq = p_seq)
       order by k.seq desc
       limit case p_reason when 'draft_reply' then 20 else 200 end
    ) as m;
  if v_messages = '[]' and (p_reason <> 'translation' or p_seq is not null) then
    return jsonb_build_object('outcome', 'empty', 'bot', v_conversation.bot, 'day', v_day);
  end if;
  v_budget := coalesce(
    private.setting('assistance_daily_cost:' || v_conversation.bot), private.setting('assistance_daily_cost')
  )::numeric;
  insert into public.assistance_days as d (bot, day, calls, cost)
  select v_conversation.bot, v_day, 1, p_cost
   where p_cost <= v_budget
  on conflict (bot, day) do update
    set calls = d.calls + 1, cost = d.cost + excluded.cost
    where d.cost + excluded.cost <= v_budget;
  if not found then
    return jsonb_build_object('outcome', 'limited', 'bot', v_conversation.bot, 'day', v_day);
  end if;
  return jsonb_build_object(
    'outcome', 'ready',
    'bot', v_conversation.bot,
    'day', v_day,
    'language', (
      select coalesce(u.language, u.language_code) from public.users as u where u.id = v_conversation.user_id
    ),
    'messages', v_messages,
    'articles', case
      when p_reason = 'draft_reply' then private.find_articles(
        v_conversation.bot,
        (
          select string_agg(r.value ->> 'text', ' ')
            from (
              select e.value
                from jsonb_array_elements(v_messages) with ordinality as e (value, place)
               where e.value ->> 'from' = 'user'
               order by e.place desc
               limit 3
            ) as r
        )
      )
      else '[]'::jsonb
    end,
    'seq', v_conversation.last_seq
  );
end
$$;

revoke all on function public.begin_assistance from public, anon, authenticated, service_role;
grant execute on function public.begin_assistance to bot_backend;
comment on function public.begin_assistance is 'Admits a call to the AI that helps an operator';
