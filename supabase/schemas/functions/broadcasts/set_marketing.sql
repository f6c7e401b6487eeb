-- Sets whether a user takes marketing messages. Who takes none leaves the sequences of marketing.
--
-- Concurrency: an upsert; of two calls the later one counts, and a repeated one changes nothing.
-- Locks: user (KEY SHARE), consent.
-- Returns: jsonb
--   is_known: boolean          (false: there is no such user)
-- Errors: none.
create or replace function public.set_marketing(p_user_id bigint, p_wants boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    return jsonb_build_object('is_known', false);
  end if;
  insert into public.message_consents as c (user_id, unsubscribed_at)
  values (p_user_id, case when not p_wants then private.clock() end)
  on conflict (user_id) do update
    set unsubscribed_at = case when not p_wants then coalesce(c.unsubscribed_at, excluded.unsubscribed_at) end;
  return jsonb_build_object('is_known', true);
end
$$;

revoke all on function public.set_marketing from public, anon, authenticated, service_role;
grant execute on function public.set_marketing to bot_backend;
comment on function public.set_marketing is 'Sets whether a user takes marketing messages';
