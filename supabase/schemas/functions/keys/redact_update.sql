-- Removes the content of a message from an update; keeps its number, sender, chat and date.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb, the update with a message of these fields and the text "[hidden]" (log.REDACTED), which tells a
--   later worker, such as the sweep, that the content is gone.
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
comment on function private.redact_update is 'Removes the content of a message from an update';
