-- Removes everything personal from payment events. What stays identifies a repeated event; for an event that is not
-- applied yet, it also says what happened to the money.
--
-- Concurrency: idempotent.
-- Locks: payment events.
-- Returns: void
-- Errors: none.
create or replace function private.anonymize_payment_events(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.payment_events as e
     set user_id = null,
         body = '',
         error = null,
         events = case
           when e.processed_at is not null then '[]'
           else (
             select coalesce(
                 jsonb_agg(
                   n.value - array['saved_method', 'payer', 'reason']
                   -- 0 stands for a payer who is not a user here.
                   || case when n.value ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
                   order by n.position
                 ),
                 '[]'
               )
               from jsonb_array_elements(e.events) with ordinality as n (value, position)
           )
         end
   where e.id = any(p_ids);
$$;

revoke all on function private.anonymize_payment_events from public, anon, authenticated, service_role;
comment on function private.anonymize_payment_events is 'Removes everything personal from payment events';
