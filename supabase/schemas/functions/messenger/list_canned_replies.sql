-- Returns the canned replies, most used first, for a member of the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint, shortcut: text, texts: { [text]: text }, labels: [ bigint ], takes_over: boolean, closes: boolean,
--     used_count: int
--   } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_canned_replies(p_actor_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', r.id, 'shortcut', r.shortcut, 'texts', r.texts, 'labels', to_jsonb(r.labels), 'takes_over', r.takes_over,
            'closes', r.closes, 'used_count', r.used_count
          )
          order by r.used_count desc, r.shortcut
        ),
        '[]'::jsonb
      )
      from public.canned_replies as r
  );
end
$$;

revoke all on function public.list_canned_replies from public, anon, authenticated, service_role;
grant execute on function public.list_canned_replies to bot_backend;
comment on function public.list_canned_replies is 'Returns the canned replies';
