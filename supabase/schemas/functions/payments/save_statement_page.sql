-- Stores a page of a provider's statement (p_events: [{key, events}], recorded before) and the cursor of the next page. p_next
-- null: it was the last page, so entries that the statement no longer lists are deleted, the next reading is scheduled, and the
-- day is reconciled (private.finish_statement).
--
-- Concurrency: the day's row is locked and entries are unique by the provider's id. Only the worker whose page began at the
--   stored cursor (p_cursor) advances it; the page of another one is ignored.
-- Locks: statement day, then its entries.
-- Returns: jsonb
--   is_current: boolean    (false: another worker has moved the walk on)
--   outgoing: outgoing
--   sums?: [ { currency: text, theirs: numeric, ours: numeric } ]   (with the last page, as are differences and foreign)
--   differences?: [ { kind: text, number: text, payment: bigint | null, what: 'only_theirs' | 'only_ours' | 'differs' } ]
--                          (new differences)
--   foreign?: int          (movements of other shops)
-- Errors: none.
create or replace function public.save_statement_page(
  p_provider text, p_day date, p_cursor text, p_next text, p_events jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day public.statement_days;
begin
  select d.* into v_day
    from public.statement_days as d
   where d.provider = p_provider and d.day = p_day
     for update;
  if not found or v_day.cursor <> p_cursor then
    return jsonb_build_object('is_current', false, 'outgoing', '[]'::jsonb);
  end if;
  insert into public.statement_entries as s (
    provider, kind, number, payment_number, day, currency, amount, fee, is_undone, is_ours, seen_at
  )
  select distinct on (l.kind, l.number)
         p_provider, l.kind, l.number, l.value ->> 'payment_id', p_day, l.value ->> 'currency',
         (l.value ->> 'amount')::numeric, coalesce((l.value ->> 'fee')::numeric, 0),
         (l.value ->> 'kind') in ('refund_failed', 'dispute_won'), private.is_our_listed_event(p_provider, l.value), v_now
    from (
      select n.value,
             e.place,
             private.statement_kind(n.value ->> 'kind') as kind,
             coalesce(n.value ->> 'operation_id', n.value ->> 'payment_id') as number
        from jsonb_array_elements(p_events) with ordinality as e (value, place)
        cross join jsonb_array_elements(e.value -> 'events') as n (value)
    ) as l
   where l.kind is not null
     and l.number is not null
     and l.value ->> 'payment_id' is not null
     and l.value ->> 'amount' is not null
     and l.value ->> 'currency' is not null
   order by l.kind, l.number, l.place desc
  on conflict (provider, kind, number) do update
    set day = excluded.day,
        amount = excluded.amount,
        fee = excluded.fee,
        is_undone = excluded.is_undone,
        is_ours = s.is_ours or excluded.is_ours,
        seen_at = excluded.seen_at;
  if p_next is not null then
    update public.statement_days as d
       set cursor = p_next, lease_until = v_now + interval '2 minutes', failures = 0
     where d.provider = p_provider and d.day = p_day;
    return jsonb_build_object('is_current', true, 'outgoing', '[]'::jsonb);
  end if;
  -- Entries that this walk did not see are no longer listed.
  delete from public.statement_entries as s
   where s.provider = p_provider and s.day = p_day and s.seen_at < v_day.started_at;
  update public.statement_days as d
     set cursor = '',
         read_at = v_now,
         lease_until = null,
         failures = 0,
         next_read_at = (
           select min(m.due)
             from unnest(array[1, 3, 7, 14, 28]) as n (days)
             cross join lateral (
               select (p_day + 1 + n.days)::timestamp at time zone 'UTC' + interval '2 hours' as due
             ) as m
            where m.due > v_now
         )
   where d.provider = p_provider and d.day = p_day;
  return private.finish_statement(p_provider, p_day);
end
$$;

revoke all on function public.save_statement_page from public, anon, authenticated, service_role;
grant execute on function public.save_statement_page to bot_backend;
comment on function public.save_statement_page is 'Stores a page of a provider''s statement';
