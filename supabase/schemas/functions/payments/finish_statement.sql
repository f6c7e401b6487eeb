-- Reconciles a day of a provider's statement that was read to its end with our records, alerts the admins once about each
-- difference, and deletes what is older than 60 days.
--
-- Concurrency: the caller holds the day's lock. Reported differences are marked (statement_entries.alarmed_at,
--   payment_operations.alarmed_at).
-- Locks: statement day (held by the caller), then the entries and operations that differ.
-- Returns: jsonb
--   is_current: boolean                  (true)
--   outgoing: outgoing
--   differences: [ { kind: text, number: text, payment: bigint | null, what: 'only_theirs' | 'only_ours' | 'differs' } ]
--     (new ones. number: the provider's id of the operation; payment: our payment; only_theirs: only the provider lists it;
--      only_ours: only our records have it)
--   sums: [ { currency: text, theirs: numeric | null, ours: numeric | null } ]   (of the day)
--   foreign: int                         (number of entries that are not about this database)
-- Errors: none.
create or replace function private.finish_statement(p_provider text, p_day date)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_differences jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select coalesce(
      jsonb_agg(
        jsonb_build_object('kind', l.kind, 'number', l.number, 'payment', l.payment_id, 'what', case
          when l.ours is null then 'only_theirs'
          when l.theirs is null then 'only_ours'
          else 'differs'
        end)
        order by l.kind, l.number
      ),
      '[]'::jsonb
    )
    into v_differences
    from private.statement_lines(p_day, p_day, p_provider) as l
   where (l.ours is distinct from l.theirs or l.our_currency is distinct from l.their_currency) and not l.is_alarmed;
  if v_differences <> '[]' then
    update public.statement_entries as e
       set alarmed_at = v_now
      from jsonb_array_elements(v_differences) as g (value)
     where e.provider = p_provider and e.kind = g.value ->> 'kind' and e.number = g.value ->> 'number';
    update public.payment_operations as o
       set alarmed_at = v_now
      from jsonb_array_elements(v_differences) as g (value)
     where g.value ->> 'what' = 'only_ours'
       and o.payment_id = (g.value ->> 'payment')::bigint
       and private.statement_kind(o.kind) = g.value ->> 'kind'
       and o.operation_id = g.value ->> 'number';
    v_outgoing := private.alarm_admins(
      'statement_alarm',
      (
        select jsonb_build_object(
            'provider', jsonb_build_object('provider', p_provider),
            'day', p_day,
            'only_theirs', count(*) filter (where g.value ->> 'what' = 'only_theirs'),
            'only_ours', count(*) filter (where g.value ->> 'what' = 'only_ours'),
            'differs', count(*) filter (where g.value ->> 'what' = 'differs'),
            'numbers', string_agg(g.value ->> 'number', ', ' order by g.place) filter (where g.place <= 5)
          )
          from jsonb_array_elements(v_differences) with ordinality as g (value, place)
      ),
      (select min((g.value ->> 'payment')::bigint) from jsonb_array_elements(v_differences) as g (value))
    );
  end if;
  delete from public.statement_entries as e where e.provider = p_provider and e.day < p_day - 60;
  delete from public.statement_days as d where d.provider = p_provider and d.day < p_day - 60;
  return jsonb_build_object(
    'is_current', true,
    'outgoing', v_outgoing,
    'differences', v_differences,
    'sums', (
      select coalesce(
          jsonb_agg(jsonb_build_object('currency', s.currency, 'theirs', s.theirs::text, 'ours', s.ours::text)),
          '[]'::jsonb
        )
        from public.payment_statement(p_day, p_day) as s
       where s.provider = p_provider and s.currency is not null
    ),
    'foreign', (
      select count(*)
        from public.statement_entries as e
       where e.provider = p_provider and e.day = p_day and not e.is_ours
    )
  );
end
$$;

revoke all on function private.finish_statement from public, anon, authenticated, service_role;
comment on function private.finish_statement is 'Reconciles a day of a provider''s statement with our records';
