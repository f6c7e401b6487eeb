-- Enqueues reminders of next actions whose time has come, to the members of the team who set them. Those who left the team get
-- none.
--
-- p_site: address of the console, for the button; null: without one.
--
-- Concurrency: a card is locked, skipped by other runs, and marked in the transaction that enqueues its reminder.
-- Locks: cards (FOR UPDATE SKIP LOCKED), by next_action_at.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_due_actions(p_site text default null, p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select k.conversation_id, k.next_action, k.next_action_by
      from public.crm_cards as k
     where k.next_action_at <= v_now and k.reminded_at is null
     order by k.next_action_at, k.conversation_id
     limit p_limit
       for update skip locked
  loop
    update public.crm_cards as k set reminded_at = v_now where k.conversation_id = v_due.conversation_id;
    continue when not private.role_includes(private.staff_role(v_due.next_action_by), 'operator');
    v_outgoing := v_outgoing || private.notify_user(
      v_due.next_action_by, 'crm_action_due',
      (
        select jsonb_build_object(
            'name', coalesce(
              c.ai_real_name, nullif(trim(concat_ws(' ', u.first_name, u.last_name)), ''), u.telegram_id::text
            ),
            'action', coalesce(v_due.next_action, '—')
          )
          from public.conversations as c
          join public.users as u on u.id = c.user_id
         where c.id = v_due.conversation_id
      ),
      case
        when p_site is not null then jsonb_build_array(jsonb_build_array(
          jsonb_build_object('key', 'crm_action_open', 'url', p_site || '/crm/' || v_due.conversation_id)
        ))
      end
    );
  end loop;
  return jsonb_build_object('outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_due_actions from public, anon, authenticated, service_role;
grant execute on function public.enqueue_due_actions to bot_backend;
comment on function public.enqueue_due_actions is 'Enqueues reminders of next actions whose time has come';
