-- Records that Telegram has accepted the files of a job.
--
-- p_telegram_files: [{kind, file_id}], for sending them again.
--
-- Concurrency: see private.lease_generation. A repeated call changes nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
--   outgoing?: outgoing    (recorded: the deletion of the status message)
-- Errors: none.
create or replace function public.record_delivery(p_id bigint, p_attempt integer, p_telegram_files jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_now timestamptz := private.clock();
begin
  if v_job.state = 'delivered' then
    return jsonb_build_object('outcome', 'recorded', 'outgoing', '[]'::jsonb);
  elsif v_job.state is distinct from 'succeeded' then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  update public.generations as g
     set state = 'delivered',
         telegram_files = p_telegram_files,
         error = null,
         due_at = null,
         lease_until = null,
         ended_at = v_now,
         delete_at = private.generation_end(v_now)
   where g.id = p_id;
  return jsonb_build_object('outcome', 'recorded', 'outgoing', private.delete_status_message(v_job));
end
$$;

revoke all on function public.record_delivery from public, anon, authenticated, service_role;
grant execute on function public.record_delivery to bot_backend;
comment on function public.record_delivery is 'Records that Telegram has accepted the files of a job';
