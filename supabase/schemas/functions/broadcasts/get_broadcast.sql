-- Returns a broadcast, who started it, and whether the acting admin may approve it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--      ...private.broadcast_card
--      may_approve: boolean
--      can_delete: boolean           (a message is younger than 48 hours)
--      sequence: text | null         (name of the sequence)
--      hours: [{ at: timestamptz, sent: bigint, clicked: bigint }]      (of the first 48 hours)
--      purchase_days: int
--      tester: { chat_id: bigint, name: text, bot: text | null }       (the acting admin)
--   } | null           (null: there is none)
-- Errors: N0009 the role does not allow it.
create or replace function public.get_broadcast(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row public.broadcasts;
begin
  perform private.require_staff(p_actor_id, 'admin');
  select b.* into v_row from public.broadcasts as b where b.id = p_id;
  if not found then
    return null;
  end if;
  return private.broadcast_card(v_row) || jsonb_build_object(
    'may_approve', v_row.status = 'waiting' and p_actor_id is distinct from v_row.started_by
      and p_actor_id is distinct from v_row.updated_by,
    'can_delete', v_row.sent > v_row.deleted and v_row.deleting_after is null and v_row.sequence_id is null
      and coalesce(v_row.finished_at, private.clock()) > private.clock() - interval '48 hours',
    'sequence', (select s.name from public.sequences as s where s.id = v_row.sequence_id),
    'hours', private.broadcast_hours(v_row),
    'purchase_days', private.setting('broadcast_purchase_days')::integer,
    'tester', (
      select jsonb_build_object(
          'chat_id', u.telegram_id, 'name', u.first_name, 'bot', private.reachable_bot(u.id, u.telegram_id, v_row.bot)
        )
        from public.users as u
       where u.id = p_actor_id
    )
  );
end
$$;

revoke all on function public.get_broadcast from public, anon, authenticated, service_role;
grant execute on function public.get_broadcast to bot_backend;
comment on function public.get_broadcast is 'A broadcast with what its page shows';
