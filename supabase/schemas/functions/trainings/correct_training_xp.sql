-- Corrects the XP of a training whose score has changed, by a row of the ledger: the share of the difference that the award
-- of the training was of its score. A training that does not count (private.training_counts) gives none now either.
--
-- p_reference: names the correction.
--
-- Concurrency: the caller has locked the user and corrects a dispute once.
-- Locks: as private.award_xp.
-- Returns: jsonb, of private.award_xp; null where the XP stay.
-- Errors: none.
create or replace function private.correct_training_xp(
  p_training public.trainings, p_before integer, p_after integer, p_reference text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_award public.xp_awards;
  v_share numeric := 1;
  v_points integer;
begin
  if not private.training_counts(p_training) then
    return null;
  end if;
  select a.* into v_award
    from public.xp_awards as a
   where a.user_id = p_training.user_id
     and a.rule = 'training_finished'
     and a.reference = coalesce(p_training.result ->> 'reference', concat(p_training.bot, ':', p_training.id));
  if found then
    v_share := v_award.points::numeric / v_award.requested;
  end if;
  if p_training.mode = 'drill' then
    v_points := round((p_after / 2 - p_before / 2) * v_share);
  else
    v_points := round((p_after - p_before) * v_share);
  end if;
  if v_points = 0 then
    return null;
  end if;
  return private.award_xp(
    p_training.user_id, p_training.bot, 'correction',
    private.unused_reference(p_training.user_id, 'correction', p_reference), v_points
  );
end
$$;

revoke all on function private.correct_training_xp from public, anon, authenticated, service_role;
comment on function private.correct_training_xp is 'Corrects the XP of a training whose score has changed, by a row of the ledger';
