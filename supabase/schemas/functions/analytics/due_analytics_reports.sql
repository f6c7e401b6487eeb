-- Lists the admins whose daily report is due, of yesterday: its hour has come, and yesterday is summed.
--
-- Concurrency: read-only; public.enqueue_analytics_report sends each once.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   reports: [ { user_id: bigint, languages: [ text | null ] } ]
-- Errors: none.
create or replace function public.due_analytics_reports()
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamp := private.clock() at time zone private.setting('quota_timezone');
begin
  return jsonb_build_object(
    'day', v_now::date - 1,
    'reports', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('user_id', r.user_id, 'languages', jsonb_build_array(u.language, u.language_code))
            order by r.user_id
          ),
          '[]'::jsonb
        )
        from public.analytics_reports as r
        join public.users as u on u.id = r.user_id
       where r.hour <= extract(hour from v_now)
         and coalesce(r.sent_on < v_now::date, true)
         and private.role_includes(private.staff_role(r.user_id), 'admin')
         and exists (select from public.analytics_days as d where d.day = v_now::date - 1)
    )
  );
end
$$;

revoke all on function public.due_analytics_reports from public, anon, authenticated, service_role;
grant execute on function public.due_analytics_reports to bot_backend;
comment on function public.due_analytics_reports is 'Lists the admins whose daily report is due';
