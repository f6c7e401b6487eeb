-- Returns leads for an export, in parts by the conversation's id. It is audited once an hour.
--
-- Concurrency: each part is of its own moment.
-- Locks: none but the new audit entry.
-- Returns: jsonb
--   rows: [ private.lead_row ]
--   next: bigint | null              (p_after of the next part; null: this is the last one)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.export_leads(p_actor_id bigint, p_after bigint default 0, p_limit integer default 500)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_rows jsonb := '[]'::jsonb;
begin
  perform private.audit_reading(v_account, 'export_leads', 'all');
  select coalesce(jsonb_agg(private.lead_row(r.conversation, r.card) order by r.id), '[]'::jsonb)
    into v_rows
    from (
      select k.conversation_id as id, c as conversation, k as card
        from public.crm_cards as k
        join public.conversations as c on c.id = k.conversation_id
       where k.conversation_id > p_after
       order by k.conversation_id
       limit least(greatest(p_limit, 1), 1000)
    ) as r;
  return jsonb_build_object(
    'rows', v_rows,
    'next', case
      when jsonb_array_length(v_rows) = least(greatest(p_limit, 1), 1000) then (v_rows -> -1 ->> 'id')::bigint
    end
  );
end
$$;

revoke all on function public.export_leads from public, anon, authenticated, service_role;
grant execute on function public.export_leads to bot_backend;
comment on function public.export_leads is 'Returns leads for an export';
