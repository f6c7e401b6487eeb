-- Stores what the user chose in the chat about a login. Only the number on the page confirms it; a wrong one, or null for
-- "It's not me", refuses it for good.
--
-- Concurrency: the row is locked, so the first choice counts; a repetition of it gets the same answer. The user is
--   locked first, as an erasure does.
-- Locks: user (KEY SHARE), login.
-- Returns: jsonb
--   outcome: 'confirmed' | 'refused' | 'wrong_code' | 'expired' | 'decided' | 'unknown'     (decided: earlier, and otherwise)
-- Errors: none.
create or replace function public.decide_login(p_public_hash bytea, p_user_id bigint, p_code integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_attempt public.login_attempts;
  v_is_right boolean;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  select a.* into v_attempt
    from public.login_attempts as a
   where a.public_hash = p_public_hash and a.way = 'bot'
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_is_right := coalesce(p_code = v_attempt.code, false);
  if v_attempt.decided_at is not null then
    return jsonb_build_object('outcome', case
      when v_attempt.user_id is distinct from p_user_id or v_attempt.is_confirmed <> v_is_right then 'decided'
      when v_is_right then 'confirmed'
      when p_code is null then 'refused'
      else 'wrong_code'
    end);
  elsif v_attempt.expires_at <= v_now then
    return jsonb_build_object('outcome', 'expired');
  end if;
  update public.login_attempts as a
     set user_id = p_user_id, decided_at = v_now, is_confirmed = v_is_right
   where a.public_hash = p_public_hash;
  return jsonb_build_object('outcome', case when v_is_right then 'confirmed' when p_code is null then 'refused' else 'wrong_code' end);
end
$$;

revoke all on function public.decide_login from public, anon, authenticated, service_role;
grant execute on function public.decide_login to bot_backend;
comment on function public.decide_login is 'Stores what the user chose in the chat about a login';
