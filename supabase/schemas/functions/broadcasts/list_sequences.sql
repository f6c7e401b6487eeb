-- Lists sequences with their steps, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ private.sequence_card ]
-- Errors: N0009 the role does not allow it.
create or replace function public.list_sequences(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return (
    select coalesce(jsonb_agg(private.sequence_card(s) order by s.id desc), '[]'::jsonb) from public.sequences as s
  );
end
$$;

revoke all on function public.list_sequences from public, anon, authenticated, service_role;
grant execute on function public.list_sequences to bot_backend;
comment on function public.list_sequences is 'Lists sequences';
