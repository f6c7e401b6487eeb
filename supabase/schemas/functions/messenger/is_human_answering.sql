-- Returns whether the bot is silent in its conversation with a user, because a human answers or it was paused. A time that
-- is over counts no longer.
--
-- Concurrency: read-only. A takeover that commits afterwards is found under the conversation's lock
--   (private.record_incoming_message, public.finish_update).
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_human_answering(p_user_id bigint, p_bot text)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.conversations as c
     where c.user_id = p_user_id and c.bot = p_bot and c.connection = '' and c.handler <> 'bot'
       and coalesce(c.handler_until > private.clock(), true)
  );
$$;

revoke all on function private.is_human_answering from public, anon, authenticated, service_role;
comment on function private.is_human_answering is 'Returns whether the bot is silent in its conversation with a user';
