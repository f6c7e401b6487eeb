-- Compares one payment event of a provider's statement with what is recorded here.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: known (recorded, or not about money), missing, changed (recorded, but a fee or the reversal of the movement is
--   new), or foreign (belongs to no payment, order or subscription of ours); see public.check_statement.
-- Errors: none.
create or replace function private.listed_event_state(p_provider text, p_event jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := private.statement_kind(p_event ->> 'kind');
  v_operation public.payment_operations;
begin
  if v_kind is null and p_event ->> 'kind' <> 'subscription_ended' then
    return 'known';
  elsif not private.is_our_listed_event(p_provider, p_event) then
    return 'foreign';
  elsif v_kind is null then
    return case
      when exists (
        select from public.renewals as r
         where r.provider = p_provider
           and r.provider_subscription_id = p_event ->> 'subscription_id'
           and r.status <> 'ended'
           and r.user_id is not null
      ) then 'missing'
      else 'known'
    end;
  end if;
  select o.* into v_operation
    from public.payments as p
    join public.payment_operations as o on o.payment_id = p.id
   where p.provider = p_provider
     and p.provider_payment_id = p_event ->> 'payment_id'
     and o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
     and private.statement_kind(o.kind) = v_kind;
  return case
    when not found then 'missing'
    when v_operation.fee < coalesce((p_event ->> 'fee')::numeric, 0) then 'changed'
    when v_operation.is_undone <> ((p_event ->> 'kind') in ('refund_failed', 'dispute_won'))
      and not v_operation.is_final
      then 'changed'
    else 'known'
  end;
end
$$;

revoke all on function private.listed_event_state from public, anon, authenticated, service_role;
comment on function private.listed_event_state is 'Whether a payment event of a provider''s statement is recorded here';
