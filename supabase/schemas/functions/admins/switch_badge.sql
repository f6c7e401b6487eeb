-- Gives a user a badge or takes it. A badge that is taken keeps its row, so that no condition awards it again.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the badge's row of user_badges.
-- Returns: boolean, whether the user had it.
-- Errors: none.
create or replace function private.switch_badge(p_user_id bigint, p_badge text, p_bot text, p_has boolean)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_had boolean;
begin
  select b.revoked_at is null into v_had
    from public.user_badges as b
   where b.user_id = p_user_id and b.badge = p_badge and b.bot = p_bot
     for update;
  if not found then
    v_had := false;
    insert into public.user_badges (user_id, badge, bot, revoked_at)
    values (p_user_id, p_badge, p_bot, case when not p_has then private.clock() end)
    on conflict (user_id, badge, bot) do update set revoked_at = excluded.revoked_at;
  elsif v_had <> p_has then
    update public.user_badges as b
       set revoked_at = case when not p_has then private.clock() end
     where b.user_id = p_user_id and b.badge = p_badge and b.bot = p_bot;
  end if;
  return v_had;
end
$$;

revoke all on function private.switch_badge from public, anon, authenticated, service_role;
comment on function private.switch_badge is 'Gives a user a badge or takes it';
