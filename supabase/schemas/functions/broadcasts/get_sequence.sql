-- Returns a sequence with its steps.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--      ...private.sequence_card
--   } | null           (null: there is none)
-- Errors: N0009 the role does not allow it.
create or replace function public.get_sequence(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return (select private.sequence_card(s) from public.sequences as s where s.id = p_id);
end
$$;

revoke all on function public.get_sequence from public, anon, authenticated, service_role;
grant execute on function public.get_sequence to bot_backend;
comment on function public.get_sequence is 'A sequence with its steps';
