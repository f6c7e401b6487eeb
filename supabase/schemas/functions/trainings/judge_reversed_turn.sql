-- Records how the user judges a question of the AI: its type first, then whether it was useful. The first answer to each
-- stays, so a button that is tapped twice changes nothing.
--
-- p_type: a type of the scenario, null: only p_is_useful is given. p_is_useful: null: only the type is given.
--
-- Concurrency: the user's row and the training are locked; a repeated call changes nothing.
-- Locks: user (NO KEY UPDATE), training, turn.
-- Returns: jsonb
--   outcome: 'judged' | 'none'           (none: no such question of an open training with reversed roles)
--   training?: private.training_state    (judged)
-- Errors: none.
create or replace function public.judge_reversed_turn(
  p_user_id bigint, p_training_id bigint, p_position integer, p_type text, p_is_useful boolean
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_training public.trainings;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed' and t.status = 'open'
     for update;
  update public.training_turns as r
     set judged_type = coalesce(
           r.judged_type,
           (
             select t.type ->> 'id'
               from jsonb_array_elements(v_training.rules -> 'types') as t (type)
              where t.type ->> 'id' = p_type
           )
         ),
         is_useful = case when r.judged_type is null then null else coalesce(r.is_useful, p_is_useful) end
   where r.training_id = v_training.id and r.position = p_position and r.reply <> '';
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  return jsonb_build_object('outcome', 'judged', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.judge_reversed_turn from public, anon, authenticated, service_role;
grant execute on function public.judge_reversed_turn to bot_backend;
comment on function public.judge_reversed_turn is 'Records how the user judges a question of the AI';
