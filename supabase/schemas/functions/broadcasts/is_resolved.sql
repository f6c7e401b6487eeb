-- Says whether what a sequence reminds of is no longer so: no unpaid order of that time is open, no plan ends soon, the learner came
-- back, completed the course or switched reminders off.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; false for events that remind of nothing.
-- Errors: none.
create or replace function private.is_resolved(p_event text, p_user_id bigint, p_entered_at timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case p_event
    when 'order_unpaid' then not exists (
      select
        from public.orders as o
       where o.user_id = p_user_id and o.status = 'pending' and o.expires_at > private.clock() and o.created_at <= p_entered_at
         and not exists (select from public.payments as p where p.order_id = o.id)
    )
    when 'plan_ending' then not exists (
      select
        from public.subscriptions as s
       where s.user_id = p_user_id and s.status = 'active' and s.source in ('purchase', 'trial', 'promo', 'service')
         and private.effective_end(s.user_id, s.plan, s.source, s.ends_at)
           between private.clock() and p_entered_at + interval '3 days'
    )
    when 'learner_idle' then not exists (
      select
        from public.course_progress as p
       where p.user_id = p_user_id and p.completed_at is null and p.wants_reminders
         and p.last_active_at <= p_entered_at - interval '3 days'
    )
    else false
  end;
end
$$;

revoke all on function private.is_resolved from public, anon, authenticated, service_role;
comment on function private.is_resolved is 'Whether what a sequence reminds of is no longer so';
