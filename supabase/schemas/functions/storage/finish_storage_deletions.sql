-- Records the result of deleting claimed objects, p_keys: a JSON list. Without p_error they are gone, and their keys leave the
-- queue. Otherwise the next attempt is 10 minutes later, doubled with each attempt up to a day.
--
-- Concurrency: a key that is gone is skipped: deleting an object twice does no harm.
-- Locks: queued keys, by key.
-- Returns: jsonb
--   attempts: int      (the highest number of attempts of a failed key; 0 without an error)
-- Errors: none.
create or replace function public.finish_storage_deletions(p_keys jsonb, p_error text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[] := array(select jsonb_array_elements_text(p_keys));
  v_attempts integer;
begin
  perform from private.storage_deletions as d where d.key = any(v_keys) order by d.key for update;
  if p_error is null then
    delete from private.storage_deletions as d where d.key = any(v_keys);
  else
    update private.storage_deletions as d
       set error = left(p_error, 500),
           next_attempt_at = private.clock() + least(interval '5 minutes' * 2 ^ least(d.attempts, 20), interval '1 day')
     where d.key = any(v_keys);
    select max(d.attempts) into v_attempts from private.storage_deletions as d where d.key = any(v_keys);
  end if;
  return jsonb_build_object('attempts', coalesce(v_attempts, 0));
end
$$;

revoke all on function public.finish_storage_deletions from public, anon, authenticated, service_role;
grant execute on function public.finish_storage_deletions to bot_backend;
comment on function public.finish_storage_deletions is 'Records the result of deleting claimed objects';
