-- Takes over a batch of users of another bot's table (private.adopt_user for each). A refused user changes nothing and does not
-- stop the others. p_users: [{telegram_id: bigint, hash: text, data: {…}}].
--
-- Concurrency: users are locked in the order of their Telegram ids, so two batches at once do not deadlock.
-- Locks: as private.adopt_user, for each user.
-- Returns: jsonb, a list in the order of p_users of what private.adopt_user returned, or {outcome: 'refused', code: text}
--   with the SQLSTATE.
-- Errors: S0001 the bot's name is invalid; 40001 a user was erased at this moment (retry).
create or replace function private.adopt_users(p_bot text, p_users jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user record;
  v_result jsonb;
  v_results jsonb[] := array_fill(null::jsonb, array[jsonb_array_length(p_users)]);
begin
  perform private.check_bot_name(p_bot);
  for v_user in
    select e.position, (e.value ->> 'telegram_id')::bigint as telegram_id, e.value ->> 'hash' as hash, e.value -> 'data' as data
      from jsonb_array_elements(p_users) with ordinality as e (value, position)
     order by (e.value ->> 'telegram_id')::bigint
  loop
    begin
      v_result := private.adopt_user(p_bot, v_user.telegram_id, v_user.hash, v_user.data);
    exception when sqlstate 'L0001' or sqlstate 'L0003' or sqlstate 'L0004' or sqlstate 'Z0002' or sqlstate 'Z0003' then
      v_result := jsonb_build_object('outcome', 'refused', 'code', sqlstate);
    end;
    v_results[v_user.position] := v_result;
  end loop;
  return to_jsonb(v_results);
end
$$;

revoke all on function private.adopt_users from public, anon, authenticated, service_role;
comment on function private.adopt_users is 'Takes over a batch of users of another bot''s table';
