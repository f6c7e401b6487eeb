-- Edits the messages that invite to pay orders which have expired, so that they no longer do.
--
-- Concurrency: orders that another transaction has locked are skipped until the next run. Each message is edited once
--   (private.edit_invitation).
-- Locks: orders by expires_at (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   outgoing               (edits of the messages)
-- Errors: none.
create or replace function public.close_invitations(p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order_id bigint;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_order_id in
    select o.id
      from public.orders as o
     where cardinality(o.message_ids) > 0 and o.message_state is null and o.expires_at <= private.clock()
     order by o.expires_at
     limit p_limit
       for update skip locked
  loop
    v_outgoing := v_outgoing || private.edit_invitation(v_order_id);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.close_invitations from public, anon, authenticated, service_role;
grant execute on function public.close_invitations to bot_backend;
comment on function public.close_invitations is 'Edits the messages that invite to pay expired orders';
