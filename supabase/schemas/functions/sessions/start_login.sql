-- Begins a login of a browser. Two settings limit logins that no session followed: login_hourly_attempts of one network address,
-- which a mobile operator may share among many users, and login_minute_attempts of all together.
--
-- p_way: 'bot' or 'telegram', which needs p_verifier. p_seconds: how long it may take.
--
-- Concurrency: a repeated call finds its row and returns the same code. Calls of one address at once may exceed the limit by as
--   many as they are; so may calls of all at once.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'started' | 'limited' | 'busy'      (limited: this address; busy: all together)
--   code?: int | null      (started: the number that the page shows; null with way telegram)
-- Errors: none.
create or replace function public.start_login(
  p_public_hash bytea, p_browser_hash bytea, p_way text, p_verifier text, p_return_to text, p_device text, p_address_hash bytea,
  p_seconds integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_hourly constant integer := private.setting('login_hourly_attempts')::integer;
  v_per_minute constant integer := private.setting('login_minute_attempts')::integer;
  v_code smallint;
begin
  select a.code into v_code from public.login_attempts as a where a.public_hash = p_public_hash;
  if found then
    return jsonb_build_object('outcome', 'started', 'code', v_code);
  elsif v_hourly > 0 and v_hourly <= (
    select count(*)
      from public.login_attempts as a
     where a.address_hash = p_address_hash and a.session_hash is null and a.created_at > v_now - interval '1 hour'
  ) then
    return jsonb_build_object('outcome', 'limited');
  elsif v_per_minute > 0 and v_per_minute <= (
    select count(*)
      from public.login_attempts as a
     where a.session_hash is null and a.created_at > v_now - interval '1 minute'
  ) then
    return jsonb_build_object('outcome', 'busy');
  end if;
  if p_way = 'bot' then
    v_code := 10 + floor(random() * 90);
  end if;
  insert into public.login_attempts
    (public_hash, browser_hash, way, code, verifier, return_to, device, address_hash, created_at, expires_at)
  values (
    p_public_hash, p_browser_hash, p_way, v_code, p_verifier, p_return_to, p_device, p_address_hash, v_now,
    v_now + make_interval(secs => p_seconds)
  );
  return jsonb_build_object('outcome', 'started', 'code', v_code);
end
$$;

revoke all on function public.start_login from public, anon, authenticated, service_role;
grant execute on function public.start_login to bot_backend;
comment on function public.start_login is 'Begins a login of a browser';
