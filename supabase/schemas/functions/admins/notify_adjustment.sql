-- Enqueues a message to a user whose bonus credits, trainings, XP or balance (p_what) an admin changed.
--
-- Concurrency: see private.notify_user.
-- Locks: none.
-- Returns: jsonb, see private.notify_user; empty where nothing changed.
-- Errors: none.
create or replace function private.notify_adjustment(p_user_id bigint, p_what text, p_before numeric, p_after numeric)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_money constant boolean := p_what = 'balance';
  v_currency constant text := case when v_is_money then private.setting('balance_currency') end;
begin
  if p_before = p_after then
    return '[]'::jsonb;
  end if;
  return private.notify_user(
    p_user_id,
    format('gift_%s%s', p_what, case when p_after < p_before then '_taken' else '' end),
    jsonb_build_object(
      'count', case
        when v_is_money then jsonb_build_object('amount', abs(p_after - p_before), 'currency', v_currency)
        else to_jsonb(abs(p_after - p_before)::bigint)
      end,
      'left', case
        when v_is_money then jsonb_build_object('amount', p_after, 'currency', v_currency)
        else to_jsonb(p_after::bigint)
      end
    )
  );
end
$$;

revoke all on function private.notify_adjustment from public, anon, authenticated, service_role;
comment on function private.notify_adjustment is 'Enqueues a message to a user whose credits, trainings, XP or balance changed';
