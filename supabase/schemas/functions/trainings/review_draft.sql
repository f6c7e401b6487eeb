-- Returns the draft of a review.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   parts: [ text ]        (the messages, oldest first)
-- Errors: none.
create or replace function private.review_draft(p_draft public.review_drafts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_draft.id,
    'parts', (
      select coalesce(jsonb_agg(p.part ->> 'text' order by p.number), '[]')
        from jsonb_array_elements(p_draft.parts) with ordinality as p (part, number)
    )
  );
$$;

revoke all on function private.review_draft from public, anon, authenticated, service_role;
comment on function private.review_draft is 'Returns the draft of a review';
