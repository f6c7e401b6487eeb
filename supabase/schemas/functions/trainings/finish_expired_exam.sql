-- Finishes an exam whose time is over (public.expired_exams), and sends its user a button to the result.
--
-- Concurrency: of two calls at once the second finds it finished.
-- Locks: as public.finish_training.
-- Returns: jsonb
--   outgoing               (empty: it was finished meanwhile)
-- Errors: none.
create or replace function public.finish_expired_exam(p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_exam public.trainings;
begin
  select t.* into v_exam from public.trainings as t where t.id = p_training_id;
  if not found or private.exam_ends_at(v_exam) >= private.clock()
    or public.finish_training(v_exam.user_id, v_exam.id, 'time') ->> 'outcome' <> 'finished'
  then
    return '[]'::jsonb;
  end if;
  return private.enqueue_user_message(
    v_exam.user_id, v_exam.bot, 'trainer_exam_over', '{}',
    jsonb_build_array(
      jsonb_build_array(jsonb_build_object('key', 'trainer_result_button', 'data', 'result:' || v_exam.id))
    )
  );
end
$$;

revoke all on function public.finish_expired_exam from public, anon, authenticated, service_role;
grant execute on function public.finish_expired_exam to bot_backend;
comment on function public.finish_expired_exam is 'Finishes an exam whose time is over, and sends its user a button to the result';
