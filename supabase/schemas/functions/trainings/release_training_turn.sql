-- Ends the lease of a turn that public.begin_training_turn began and that is no move: a voice message without words.
--
-- Concurrency: changes nothing where another update has the lease, or the turn was recorded. Calling it twice is harmless.
-- Locks: training.
-- Returns: jsonb
--   released: boolean      (whether the lease was this update's)
-- Errors: none.
create or replace function public.release_training_turn(p_user_id bigint, p_training_id bigint, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.trainings as t
     set turn_reference = null, turn_lease_until = null
   where t.id = p_training_id and t.user_id = p_user_id and t.turn_reference = p_reference;
  return jsonb_build_object('released', found);
end
$$;

revoke all on function public.release_training_turn from public, anon, authenticated, service_role;
grant execute on function public.release_training_turn to bot_backend;
comment on function public.release_training_turn is 'Ends the lease of a turn that is no move';
