-- Stores a quiz poll that was sent to a group, so that its answers can be recorded.
--
-- Concurrency: of two polls for one question of a round, the first is stored; answers to the other one are ignored.
-- Locks: none.
-- Returns: jsonb
--   stored: boolean
-- Errors: none.
create or replace function public.record_quiz_poll(
  p_round_id bigint, p_n integer, p_poll_id text, p_message_id bigint, p_version text, p_right jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.quiz_polls (bot, poll_id, round_id, n, question, version, correct_option_ids, message_id)
  select r.bot, p_poll_id, r.id, p_n, r.questions[p_n], p_version, array(select c.position::smallint from jsonb_array_elements_text(p_right) as c (position)),
         p_message_id
    from public.quiz_rounds as r
   where r.id = p_round_id
  on conflict do nothing;
  return jsonb_build_object('stored', found);
end
$$;

revoke all on function public.record_quiz_poll from public, anon, authenticated, service_role;
grant execute on function public.record_quiz_poll to bot_backend;
comment on function public.record_quiz_poll is 'Stores a quiz poll that was sent to a group';
