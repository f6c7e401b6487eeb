-- Returns a disputed line to an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     id: bigint, status: 'open' | 'upheld' | 'corrected', scenario: text, question: text, answer: text, reason: text,
--     type: text, points: int, is_contextual: boolean, corrected_type: text | null
--   } | null
-- Errors: N0001 not an admin.
create or replace function public.admin_get_dispute(p_dispute_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select jsonb_build_object(
        'id', d.id, 'status', d.status, 'scenario', t.scenario, 'question', r.question,
        'answer', coalesce(
          (
            select b.reply from public.training_turns as b where b.training_id = t.id and b.position = r.position - 1
          ),
          ''
        ),
        'reason', d.reason, 'type', d.type, 'points', r.points, 'is_contextual', r.is_contextual,
        'corrected_type', d.corrected_type
      )
      from public.training_disputes as d
      join public.training_turns as r on r.id = d.turn_id
      join public.trainings as t on t.id = r.training_id
     where d.id = p_dispute_id
  );
end
$$;

revoke all on function public.admin_get_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_get_dispute to bot_backend;
comment on function public.admin_get_dispute is 'Returns a disputed line to an admin';
