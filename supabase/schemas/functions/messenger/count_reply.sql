-- Counts a reply of a member of the staff, and how long the user has waited for it.
--
-- Concurrency: the day's row is locked; each reply is counted once by its sender.
-- Locks: the day's counter.
-- Returns: void
-- Errors: none.
create or replace function private.count_reply(p_conversation public.conversations, p_actor_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_waited bigint;
begin
  v_waited := extract(epoch from private.clock() - p_conversation.waiting_since)::bigint;
  insert into public.messenger_days as d (day, bot, operator_id, replies, answered, waited_seconds, late)
  values (
    private.messenger_day(), p_conversation.bot, p_actor_id, 1, (v_waited is not null)::integer, coalesce(v_waited, 0),
    coalesce(v_waited > private.setting('messenger_late_minutes')::double precision * 60, false)::integer
  )
  on conflict (day, bot, operator_id) do update
    set replies = d.replies + 1,
        answered = d.answered + excluded.answered,
        waited_seconds = d.waited_seconds + excluded.waited_seconds,
        late = d.late + excluded.late;
end
$$;

revoke all on function private.count_reply from public, anon, authenticated, service_role;
comment on function private.count_reply is 'Counts a reply of a member of the staff';
