-- Returns whether a conversation is due for a qualification: three messages of the user since the last one and 90 seconds of
-- silence, or at once when a new message shows that the user wants to pay.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_qualification_due(p_conversation_id bigint, p_seen bigint, p_now timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
        bool_or(private.has_payment_intent(m.body))
        or (count(*) >= 3 and max(m.created_at) <= p_now - interval '90 seconds'),
        false
      )
      from private.qualification_messages(p_conversation_id, 20) as m
     where m.source = 'user' and m.seq > p_seen
  );
end
$$;

revoke all on function private.is_qualification_due from public, anon, authenticated, service_role;
comment on function private.is_qualification_due is 'Returns whether a conversation is due for a qualification';
