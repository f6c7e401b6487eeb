-- Saves the id of the message that says that a job is in progress. When the job is over by then, or its
-- user has stopped waiting, the message is deleted.
--
-- Concurrency: the job is locked: its end deletes the message, or this call does.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.save_generation_message(p_id bigint, p_message_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
begin
  if v_job.id is null then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  update public.generations as g set status_message_id = p_message_id where g.id = p_id returning g.* into v_job;
  if v_job.is_muted then
    update public.generations as g set status_message_id = null where g.id = p_id;
  end if;
  return jsonb_build_object(
    'outgoing', case when v_job.ended_at is not null or v_job.is_muted then private.delete_status_message(v_job) else '[]'::jsonb end
  );
end
$$;

revoke all on function public.save_generation_message from public, anon, authenticated, service_role;
grant execute on function public.save_generation_message to bot_backend;
comment on function public.save_generation_message is 'Saves the id of a job''s status message';
