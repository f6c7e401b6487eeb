-- Returns a sequence as pages show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   name: text
--   event: text
--   kind: 'marketing' | 'service'
--   bot: text | null
--   segment: jsonb
--   ignores_limit: boolean
--   leaves_on_purchase: boolean
--   leaves_on_reply: boolean
--   reenter_days: int | null
--   is_active: boolean
--   version: int
--   entered: bigint
--   finished: bigint
--   left_counts: jsonb
--   steps: [ private.broadcast_card ]
-- Errors: none.
create or replace function private.sequence_card(p_sequence public.sequences)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_sequence) - array['starts_from', 'created_at', 'updated_at'] || jsonb_build_object('steps', (
    select coalesce(jsonb_agg(private.broadcast_card(b) order by b.position), '[]'::jsonb)
      from public.broadcasts as b
     where b.sequence_id = p_sequence.id
  ));
$$;

revoke all on function private.sequence_card from public, anon, authenticated, service_role;
comment on function private.sequence_card is 'A sequence as pages show it';
