-- Lists conversations from which an article could be drafted: the user asked for a human or rated the answer low, or the team answered and
-- closed the conversation. One that was decided on counts again after newer messages of the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     conversation_id: bigint
--     bot: text
--     reason: 'low_rating' | 'human' | 'closed'
--     question: text               (the user's last text, at most 300 characters)
--     last_message_at: timestamptz
--   } ]                            (newest first, at most 50)
-- Errors: N0009 not an operator.
create or replace function public.list_candidates(p_actor_id bigint, p_bot text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'conversation_id', f.id, 'bot', f.bot, 'reason', f.reason, 'question', f.question, 'last_message_at', f.last_message_at
          )
          order by f.last_message_at desc, f.id desc
        ),
        '[]'::jsonb
      )
      from (
        select
          c.id, c.bot, c.last_message_at, left(q.body, 300) as question,
          case
            when c.rating <= 2 then 'low_rating'
            when c.status = 'closed' then 'closed'
            else 'human'
          end as reason
          from public.conversations as c
          left join public.knowledge_candidates as k on k.conversation_id = c.id
          cross join lateral (
            select m.body
              from public.conversation_messages as m
             where m.conversation_id = c.id and m.direction = 0 and m.kind = 'text' and m.body ~ '\S' and left(m.body, 1) <> '/'
             order by m.seq desc
             limit 1
          ) as q
         where c.last_message_at > private.clock() - interval '30 days'
           and (p_bot is null or c.bot = p_bot)
           and (c.rating <= 2 or c.status = 'closed' or c.takeovers > 0)
           and c.last_in_seq > coalesce(k.seq, 0)
           and exists (
             select
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.source = 'staff' and m.kind <> 'note' and m.deleted_at is null
           )
         order by c.last_message_at desc, c.id desc
         limit 50
      ) as f
  );
end
$$;

revoke all on function public.list_candidates from public, anon, authenticated, service_role;
grant execute on function public.list_candidates to bot_backend;
comment on function public.list_candidates is 'Lists conversations from which an article could be drafted';
