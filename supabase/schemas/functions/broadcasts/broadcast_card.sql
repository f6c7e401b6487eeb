-- Returns a broadcast as pages show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   name: text
--   kind: 'marketing' | 'service'
--   bot: text | null
--   segment: jsonb
--   content: jsonb
--   ignores_limit: boolean
--   status: 'draft' | 'freezing' | 'waiting' | 'running' | 'paused' | 'done' | 'canceled'
--   version: int
--   sequence_id: bigint | null
--   position: int | null
--   delay_minutes: int | null
--   total: bigint
--   sent: bigint
--   failed: bigint
--   blocked: bigint
--   unknown: bigint
--   skipped: bigint
--   clicked: bigint
--   bought: bigint
--   deleted: bigint
--   clicks: jsonb
--   is_deleting: boolean
--   media: { kind: text, name: text, file_ids: { [text]: text } } | null
--   started_at: timestamptz | null
--   finished_at: timestamptz | null
--   updated_at: timestamptz
-- Errors: none.
create or replace function private.broadcast_card(p_broadcast public.broadcasts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_broadcast)
    - array[
      'updated_by', 'started_by', 'approved_by', 'frozen_after', 'freeze_until', 'deleting_after', 'created_at'
    ]
    || jsonb_build_object(
      'is_deleting', p_broadcast.deleting_after is not null,
      'media', (
        select jsonb_build_object('kind', m.kind, 'name', m.name, 'file_ids', m.file_ids)
          from public.broadcast_media as m
         where m.broadcast_id = p_broadcast.id
      )
    );
$$;

revoke all on function private.broadcast_card from public, anon, authenticated, service_role;
comment on function private.broadcast_card is 'A broadcast as pages show it';
