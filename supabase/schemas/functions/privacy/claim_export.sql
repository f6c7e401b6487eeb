-- Allows a session to download the user's data, once an hour: the file costs as much as a hundred pages.
--
-- Concurrency: the session's row is locked, so of two calls at once one is allowed.
-- Locks: session.
-- Returns: jsonb
--   wait: int                  (seconds until the next download; 0: this one is allowed)
-- Errors: none.
create or replace function public.claim_export(p_user_id bigint, p_session_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_free_at timestamptz;
begin
  select s.exported_at + interval '1 hour' into v_free_at
    from public.user_sessions as s
   where s.id = p_session_id and s.user_id = p_user_id
     for update;
  if v_free_at > v_now then
    return jsonb_build_object('wait', ceil(extract(epoch from v_free_at - v_now))::integer);
  end if;
  update public.user_sessions as s set exported_at = v_now where s.id = p_session_id and s.user_id = p_user_id;
  return jsonb_build_object('wait', 0);
end
$$;

revoke all on function public.claim_export from public, anon, authenticated, service_role;
grant execute on function public.claim_export to bot_backend;
comment on function public.claim_export is 'Allows a session to download the user''s data';
