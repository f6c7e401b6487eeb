-- Lets a user stop waiting for a job that its provider already works on and that cannot be taken back. The job goes on at its
-- price, and what comes of it is sent without sound. It frees its place for the next order, unless the user has stopped waiting
-- for another job in the same place that still runs.
--
-- Concurrency: the job and its user are locked. A repeated call changes nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'muted' | 'ready' | 'unknown'   (ready: the result is on its way; unknown: there is no such job, or it is over)
--   outgoing?: outgoing    (muted: the deletion of the status message)
-- Errors: none.
create or replace function public.mute_generation(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
begin
  if v_job.id is null or v_job.user_id <> p_user_id then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_job.state in ('copied', 'succeeded') and v_job.ended_at is null then
    return jsonb_build_object('outcome', 'ready');
  elsif v_job.state not in ('submitting', 'submitted') then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  update public.generations as g
     set is_muted = true,
         status_message_id = null,
         slot = case
           when g.slot < 0 or exists (
             select from public.generations as o
              where o.user_id = g.user_id and o.kind = g.kind and o.slot = -g.slot
                and o.state in ('reserved', 'submitting', 'submitted', 'copied')
           ) then g.slot
           else -g.slot
         end
   where g.id = p_id;
  return jsonb_build_object('outcome', 'muted', 'outgoing', private.delete_status_message(v_job));
end
$$;

revoke all on function public.mute_generation from public, anon, authenticated, service_role;
grant execute on function public.mute_generation to bot_backend;
comment on function public.mute_generation is 'Lets a user stop waiting for a job';
