-- Begins a round of quiz polls in a group, or continues the one that the same update began. A group has one round at a time.
--
-- Concurrency: the unique index of running rounds lets one of two updates begin; the other finds it running.
-- Locks: user (KEY SHARE), the round.
-- Returns: jsonb
--   outcome: 'begun' | 'running'
--   round_id: bigint
--   questions: [ text ]
--   sent: [ int ]          (numbers of the questions whose poll was sent)
-- Errors: none.
create or replace function public.begin_quiz_round(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_language text, p_questions jsonb, p_seconds integer,
  p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_round public.quiz_rounds;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  insert into public.quiz_rounds as r (bot, chat_id, thread_id, user_id, language, questions, reference, closes_at)
  values (
    p_bot, p_chat_id, p_thread, p_user_id, p_language, array(select jsonb_array_elements_text(p_questions)),
    p_reference,
    private.clock() + make_interval(secs => p_seconds)
  )
  on conflict do nothing
  returning r.* into v_round;
  if not found then
    select r.* into v_round from public.quiz_rounds as r where r.reference = p_reference;
  end if;
  if not found then
    return jsonb_build_object('outcome', 'running', 'round_id', 0, 'questions', '[]'::jsonb, 'sent', '[]'::jsonb);
  end if;
  return jsonb_build_object(
    'outcome', 'begun',
    'round_id', v_round.id,
    'questions', to_jsonb(v_round.questions),
    'sent', (
      select coalesce(jsonb_agg(p.n order by p.n), '[]'::jsonb) from public.quiz_polls as p where p.round_id = v_round.id
    )
  );
end
$$;

revoke all on function public.begin_quiz_round from public, anon, authenticated, service_role;
grant execute on function public.begin_quiz_round to bot_backend;
comment on function public.begin_quiz_round is 'Begins a round of quiz polls in a group';
