-- Cancels a user's job that was not sent to the provider yet, and releases what it took. Later it cannot be canceled, because
-- the provider charges for it.
--
-- Concurrency: the job is locked: either it is canceled, or its submission has begun.
-- Locks: as private.lock_generation and private.release_generation.
-- Returns: jsonb
--   outcome: 'canceled' | 'too_late' | 'unknown'
--   outgoing?: outgoing    (canceled)
-- Errors: none.
create or replace function public.cancel_generation(p_user_id bigint, p_id bigint)
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
  elsif v_job.state not in ('reserved', 'canceled') then
    return jsonb_build_object('outcome', 'too_late');
  end if;
  return jsonb_build_object(
    'outcome', 'canceled',
    'outgoing', case
      when v_job.state = 'reserved' then private.close_generation(v_job, 'canceled', null, null)
      else '[]'::jsonb
    end
  );
end
$$;

revoke all on function public.cancel_generation from public, anon, authenticated, service_role;
grant execute on function public.cancel_generation to bot_backend;
comment on function public.cancel_generation is 'Cancels a job that was not sent yet';
