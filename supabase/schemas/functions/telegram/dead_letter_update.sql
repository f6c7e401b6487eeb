-- Stores an authentic body that cannot be processed (not JSON, too large, or no update) as a dead letter for the
-- owner. p_update_id is a digest of the body where it has no number.
--
-- Concurrency: the number is the primary key; the first body is kept.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'dead_lettered' | 'known'
-- Errors: none.
create or replace function public.dead_letter_update(
  p_bot text, p_update_id bigint, p_error text, p_body text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.telegram_updates (bot, update_id, kind, status, payload, error)
  values (p_bot, p_update_id, 'invalid', 'dead_lettered', to_jsonb(p_body), left(p_error, 2000))
  on conflict (bot, update_id) do nothing;
  return jsonb_build_object('outcome', case when found then 'dead_lettered' else 'known' end);
end
$$;

revoke all on function public.dead_letter_update from public, anon, authenticated, service_role;
grant execute on function public.dead_letter_update to bot_backend;
comment on function public.dead_letter_update is 'Stores a body that cannot be processed as a dead letter';
