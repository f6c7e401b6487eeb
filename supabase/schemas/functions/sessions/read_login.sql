-- Returns a login through the bot for the question in the chat: whether it can be confirmed still, the browser, and three numbers
-- of which one is on the page. They are the same with each call.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'open' | 'expired' | 'decided' | 'unknown'
--   device?: text          (open, as the other)
--   codes?: [ int ]
-- Errors: none.
create or replace function public.read_login(p_public_hash bytea)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt public.login_attempts;
  v_codes jsonb;
begin
  select a.* into v_attempt from public.login_attempts as a where a.public_hash = p_public_hash and a.way = 'bot';
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_attempt.decided_at is not null then
    return jsonb_build_object('outcome', 'decided');
  elsif v_attempt.expires_at <= private.clock() then
    return jsonb_build_object('outcome', 'expired');
  end if;
  -- The order depends on the hash, which the browser's owner cannot choose freely and the user cannot see.
  select jsonb_agg(c.code order by sha256(p_public_hash || convert_to(c.code::text, 'UTF8'))) into v_codes
    from (
      select v_attempt.code as code
      union all
      (
        select n.code
          from generate_series(10, 99) as n (code)
         where n.code <> v_attempt.code
         order by sha256(v_attempt.browser_hash || convert_to(n.code::text, 'UTF8'))
         limit 2
      )
    ) as c;
  return jsonb_build_object('outcome', 'open', 'device', v_attempt.device, 'codes', v_codes);
end
$$;

revoke all on function public.read_login from public, anon, authenticated, service_role;
grant execute on function public.read_login to bot_backend;
comment on function public.read_login is 'Returns a login through the bot for the question in the chat';
