-- Ends a round of quiz polls and enqueues its results for the group.
--
-- p_parameters: of sendMessage; null: end it without results.
--
-- Concurrency: the round is locked; a round that has ended enqueues nothing.
-- Locks: the round (FOR UPDATE).
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_quiz_summary(p_round_id bigint, p_parameters jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_round public.quiz_rounds;
  v_id jsonb;
begin
  update public.quiz_rounds as r
     set summarized_at = private.clock()
   where r.id = p_round_id and r.summarized_at is null
  returning r.* into v_round;
  if not found or p_parameters is null then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  p_parameters := p_parameters || jsonb_build_object('chat_id', v_round.chat_id);
  v_id := private.enqueue_calls(
    v_round.bot, null, jsonb_build_array(jsonb_build_object('method', 'sendMessage', 'parameters', p_parameters))
  ) -> 0;
  return jsonb_build_object(
    'outgoing',
    jsonb_build_array(
      jsonb_build_object('bot', v_round.bot, 'id', v_id, 'method', 'sendMessage', 'parameters', p_parameters)
    )
  );
end
$$;

revoke all on function public.enqueue_quiz_summary from public, anon, authenticated, service_role;
grant execute on function public.enqueue_quiz_summary to bot_backend;
comment on function public.enqueue_quiz_summary is 'Ends a round of quiz polls and enqueues its results';
