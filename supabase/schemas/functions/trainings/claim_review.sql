-- Leases the draft of a review to one update, which scores it, and decides whether the AI may be used. A draft that was
-- scored returns its result again.
--
-- p_cost: US dollars that the AI may cost at most. p_lease_seconds: for how long other taps wait.
--
-- Concurrency: the update's row and the draft are locked. Of two taps at once the second finds the lease of the first and
--   is refused; a redelivery of the same update takes its own lease again.
-- Locks: update row, user (KEY SHARE), draft; near the bot's cost limit as private.is_within_bot_cost_limit.
-- Returns: jsonb
--   outcome: 'work' | 'known' | 'busy' | 'none' | 'no_access' | 'superseded'
--   draft?: private.review_draft         (work)
--   may_use_ai?: boolean                 (work: the daily cost limits leave p_cost)
--   result?: private.training_result     (known)
-- Errors: none.
create or replace function public.claim_review(
  p_bot text, p_update_id bigint, p_attempt integer, p_reference text, p_draft_id bigint, p_cost numeric,
  p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_update public.telegram_updates;
  v_user public.users;
  v_draft public.review_drafts;
  v_training public.trainings;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt
    or not private.lock_user(v_update)
  then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  select d.* into v_draft
    from public.review_drafts as d
   where d.id = p_draft_id and d.user_id = v_update.user_id and d.bot = p_bot
     for update;
  if not found then
    select t.* into v_training
      from public.trainings as t
     where t.user_id = v_update.user_id and t.bot = p_bot and t.reference = concat('review:', p_draft_id);
    if not found then
      return jsonb_build_object('outcome', 'none');
    end if;
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  end if;
  v_now := private.clock();  -- waiting for the locks takes time
  if v_draft.lease_until > v_now and v_draft.lease_reference <> p_reference then
    return jsonb_build_object('outcome', 'busy');
  end if;
  select u.* into v_user from public.users as u where u.id = v_update.user_id;
  if not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  update public.review_drafts as d
     set lease_reference = p_reference, lease_until = v_now + make_interval(secs => p_lease_seconds)
   where d.id = v_draft.id;
  return jsonb_build_object(
    'outcome', 'work', 'draft', private.review_draft(v_draft), 'may_use_ai', private.may_spend(v_update, p_cost)
  );
end
$$;

revoke all on function public.claim_review from public, anon, authenticated, service_role;
grant execute on function public.claim_review to bot_backend;
comment on function public.claim_review is 'Leases the draft of a review to the update that scores it';
