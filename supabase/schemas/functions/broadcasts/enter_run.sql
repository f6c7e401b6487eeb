-- Lets a user begin a sequence; again where its setting reenter_days allows it. Then the steps count as new messages: clicks of the way
-- before are forgotten, and its marketing message limits this one like any other.
--
-- Concurrency: of two calls at once one begins.
-- Locks: user (KEY SHARE, by the foreign key), run, clicks, consent.
-- Returns: boolean: the user has begun now.
-- Errors: none.
create or replace function private.enter_run(p_sequence public.sequences, p_user_id bigint, p_due_at timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
begin
  insert into public.sequence_runs (sequence_id, user_id, due_at)
  values (p_sequence.id, p_user_id, p_due_at)
  on conflict (sequence_id, user_id) do nothing;
  if found then
    return true;
  end if;
  update public.sequence_runs as q
     set status = 'active', reason = null, position = 0, due_at = p_due_at, is_counted = false, last_update_id = null,
         last_bot = null, bought_at = null, entered_at = v_now, ended_at = null
   where q.sequence_id = p_sequence.id
     and q.user_id = p_user_id
     and q.status <> 'active'
     and q.ended_at <= v_now - make_interval(days => p_sequence.reenter_days);
  if not found then
    return false;
  end if;
  delete from public.broadcast_clicks as c
   using public.broadcasts as b
   where b.sequence_id = p_sequence.id and c.broadcast_id = b.id and c.user_id = p_user_id;
  update public.message_consents as c
     set last_marketing_by = null
    from public.broadcasts as b
   where c.user_id = p_user_id and b.id = c.last_marketing_by and b.sequence_id = p_sequence.id;
  return true;
end
$$;

revoke all on function private.enter_run from public, anon, authenticated, service_role;
comment on function private.enter_run is 'Lets a user begin a sequence';
