-- Claims a login with "Log in with Telegram" when the browser comes back, so that its `state` works once. The session is opened
-- by public.log_in, when Telegram has said who the user is.
--
-- Concurrency: the row is deleted in the same statement, so of two calls one gets it.
-- Locks: login.
-- Returns: jsonb
--   outcome: 'claimed' | 'unknown'    (unknown: never begun, by another browser, too late, or claimed already)
--   verifier?: text                   (claimed, as the other)
--   return_to?: text
-- Errors: none.
create or replace function public.claim_redirect(p_public_hash bytea, p_browser_hash bytea)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt public.login_attempts;
begin
  delete from public.login_attempts as a
   where a.public_hash = p_public_hash
     and a.browser_hash = p_browser_hash
     and a.way = 'telegram'
     and a.expires_at > private.clock()
  returning a.* into v_attempt;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  return jsonb_build_object('outcome', 'claimed', 'verifier', v_attempt.verifier, 'return_to', v_attempt.return_to);
end
$$;

revoke all on function public.claim_redirect from public, anon, authenticated, service_role;
grant execute on function public.claim_redirect to bot_backend;
comment on function public.claim_redirect is 'Claims a login with "Log in with Telegram" when the browser comes back';
