-- Finishes exams whose time is over, and sends their users a button to the result.
--
-- Concurrency: trainings that another transaction has locked are left to the next call; each is finished once.
-- Locks: users (NO KEY UPDATE SKIP LOCKED) by training, then as public.finish_training.
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.finish_expired_exams(p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_exam record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_exam in
    select t.id, t.user_id, t.bot
      from public.trainings as t
     where t.mode = 'exam'
       and t.status = 'open'
       -- A question that was sent in time is answered first.
       and private.exam_ends_at(t) < private.clock() - interval '2 minutes'
       and coalesce(t.turn_lease_until, '-infinity') < private.clock()
     order by t.id
     limit p_limit
  loop
    perform from public.users as u where u.id = v_exam.user_id for no key update skip locked;
    continue when not found;
    if public.finish_training(v_exam.user_id, v_exam.id, 'time') ->> 'outcome' = 'finished' then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_exam.user_id, v_exam.bot, 'trainer_exam_over', '{}',
        jsonb_build_array(
          jsonb_build_array(jsonb_build_object('key', 'trainer_result_button', 'data', 'result:' || v_exam.id))
        )
      );
    end if;
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.finish_expired_exams from public, anon, authenticated, service_role;
grant execute on function public.finish_expired_exams to bot_backend;
comment on function public.finish_expired_exams is 'Finishes exams whose time is over, and sends their users a button to the result';
