-- Says why a recipient of a broadcast is left out when the turn comes.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: banned, blocked, unsubscribed, left (the sequence); null: the message goes out.
-- Errors: none.
create or replace function private.skip_reason(p_broadcast public.broadcasts, p_user public.users, p_bot text)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_user.banned_at is not null then 'banned'
    when not exists (
      select
        from public.bot_sessions as s
       where s.user_id = p_user.id and s.bot = p_bot and s.chat_id = p_user.telegram_id and not s.is_blocked
    ) then 'blocked'
    when p_broadcast.kind = 'marketing' and exists (
      select from public.message_consents as c where c.user_id = p_user.id and c.unsubscribed_at is not null
    ) then 'unsubscribed'
    when exists (
      select
        from public.sequence_runs as q
        join public.sequences as e on e.id = q.sequence_id
       where q.sequence_id = p_broadcast.sequence_id and q.user_id = p_user.id
         and q.bought_at is not null and e.leaves_on_purchase
    ) then 'left'
  end;
$$;

revoke all on function private.skip_reason from public, anon, authenticated, service_role;
comment on function private.skip_reason is 'Why a recipient of a broadcast is left out';
