-- Returns whether the answer that a worker writes is still wanted. Called before each draft but the first; where the bot has
-- a messenger, before a voice message too.
--
-- p_conversation, p_takeovers: the conversation of the messenger as the update found it; null: the bot has none.
--
-- Concurrency: read-only, one row of each by its key.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'wanted' | 'stopped' | 'taken_over' | 'superseded'
--                          (stopped: by the user; taken_over: a human answers now; superseded: another worker has taken
--                          over, or the user was erased)
-- Errors: none.
create or replace function public.answer_state(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_conversation bigint default null,
  p_takeovers integer default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_stopped boolean;
begin
  select t.is_stopped into v_is_stopped
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id and t.attempt = p_attempt and t.status = 'working';
  if not v_is_stopped and p_conversation is not null and exists (
    select from public.conversations as c where c.id = p_conversation and c.takeovers <> p_takeovers
  ) then
    return '{"outcome": "taken_over"}'::jsonb;
  end if;
  return jsonb_build_object(
    'outcome', case when v_is_stopped then 'stopped' when found then 'wanted' else 'superseded' end
  );
end
$$;

revoke all on function public.answer_state from public, anon, authenticated, service_role;
grant execute on function public.answer_state to bot_backend;
comment on function public.answer_state is 'Returns whether the answer that a worker writes is still wanted';
