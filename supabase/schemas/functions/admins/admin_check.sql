-- Checks for an admin that payments, their fulfilment, pictures and videos, the ledger and the balances agree. Reads all of
-- them.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   payments: int          (how many faults payments have)
--   balances: int          (how many balances differ from their ledger)
--   generations: int       (how many faults jobs of pictures and videos have)
--   wrong_payments: [ { payment: bigint, wrong: text } ]   (the first ten)
--   wrong_balances: [ {
--     user_id: bigint | null, telegram_id: bigint | null   (null: all erased users together),
--     balance: numeric, ledger: numeric
--   } ]                                                    (the first ten)
--   wrong_generations: [ { generation: bigint, wrong: text } ]   (the first ten)
-- Errors: N0001 not an admin.
create or replace function public.admin_check(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payments jsonb;
  v_balances jsonb;
  v_generations jsonb;
begin
  perform private.require_admin(p_admin_email);
  select coalesce(
      jsonb_agg(jsonb_build_object('payment', c.payment_id, 'wrong', c.wrong) order by c.payment_id, c.wrong), '[]'::jsonb
    )
    into v_payments
    from public.check_payments() as c;
  v_balances := public.check_balances();
  select coalesce(
      jsonb_agg(
        jsonb_build_object('generation', c.generation_id, 'wrong', c.wrong) order by c.generation_id, c.wrong
      ),
      '[]'::jsonb
    )
    into v_generations
    from public.check_generations() as c;
  return jsonb_build_object(
    'payments', jsonb_array_length(v_payments),
    'balances', jsonb_array_length(v_balances),
    'generations', jsonb_array_length(v_generations),
    'wrong_generations', jsonb_path_query_array(v_generations, '$[0 to 9]'),
    'wrong_payments', jsonb_path_query_array(v_payments, '$[0 to 9]'),
    'wrong_balances', (
      select coalesce(
          jsonb_agg(
            b.value || jsonb_build_object(
              'telegram_id', (select u.telegram_id from public.users as u where u.id = (b.value ->> 'user_id')::bigint)
            )
          ),
          '[]'::jsonb
        )
        from jsonb_path_query(v_balances, '$[0 to 9]') as b (value)
    )
  );
end
$$;

revoke all on function public.admin_check from public, anon, authenticated, service_role;
grant execute on function public.admin_check to bot_backend, service_role;
comment on function public.admin_check is 'Checks for an admin that payments and balances agree';
