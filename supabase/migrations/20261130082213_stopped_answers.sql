-- Stopped answers.

alter table public.telegram_updates add column is_stopped boolean default false not null;

-- Returns whether the answer that a worker writes is still wanted. Called before each draft but the first.
--
-- Concurrency: read-only, one row by its key.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'wanted' | 'stopped' | 'superseded'
--                          (stopped: by the user; superseded: another worker has taken over, or the user was erased)
-- Errors: none.
create or replace function public.answer_state(p_bot text, p_update_id bigint, p_attempt integer)
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
  return jsonb_build_object(
    'outcome', case when v_is_stopped then 'stopped' when found then 'wanted' else 'superseded' end
  );
end
$$;

revoke all on function public.answer_state from public, anon, authenticated, service_role;
grant execute on function public.answer_state to bot_backend;
comment on function public.answer_state is 'Returns whether the answer that a worker writes is still wanted';

-- Notes that the user stopped the answer to an update while it was written. Its worker, in whatever instance, reads that
-- (public.answer_state) and sends what was written so far.
--
-- p_update_id: the draft that was stopped, which has the number of the update. p_chat_id: where it was shown, the user's
-- private chat.
--
-- Concurrency: a repeated call changes nothing. A worker that commits at the same moment keeps its whole answer.
-- Locks: update row.
-- Returns: jsonb
--   outcome: 'stopped' | 'late'   (late: the answer is complete, or there is none in this chat)
-- Errors: none.
create or replace function public.stop_answer(p_bot text, p_update_id bigint, p_chat_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.telegram_updates as t
     set is_stopped = true
   where t.bot = p_bot and t.update_id = p_update_id and t.chat_id = p_chat_id and t.status = 'working'
     and t.received_at >= private.clock() - interval '48 hours';
  return jsonb_build_object('outcome', case when found then 'stopped' else 'late' end);
end
$$;

revoke all on function public.stop_answer from public, anon, authenticated, service_role;
grant execute on function public.stop_answer to bot_backend;
comment on function public.stop_answer is 'Notes that the user stopped an answer while it was written';

comment on column public.telegram_updates.is_stopped is 'The user stopped its answer while it was written; what was written becomes the answer';
