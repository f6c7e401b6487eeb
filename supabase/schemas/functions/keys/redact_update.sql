-- Leaves of an update what says whose it is and where it came from, and nothing of what was written.
--
-- Twice or at once: only computes.
-- Returns: the update with a message of these fields and the text "[hidden]", as log.REDACTED has it: whoever works
--   on it later (the sweep) sees that the words are gone.
-- Errors: none.
create or replace function private.redact_update(p_payload jsonb, p_kind text)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'update_id', p_payload -> 'update_id',
    p_kind,
    coalesce(
      (
        select jsonb_object_agg(m.key, m.value)
          from jsonb_each(p_payload -> p_kind) as m
         where m.key in ('message_id', 'from', 'chat', 'date', 'message_thread_id', 'is_topic_message')
      ),
      '{}'
    ) || '{"text": "[hidden]"}'
  );
$$;

revoke all on function private.redact_update from public, anon, authenticated, service_role;
comment on function private.redact_update is 'An update without anything that was written in it';
