-- Days whose revenue changed since the job `analytics` summed it. Rows are only added, so that payments wait for no lock; the job
-- deletes those of the days it has summed.

create table private.revenue_changes (
  id bigint generated always as identity primary key,
  day date not null
);

create index revenue_changes_day_idx on private.revenue_changes (day);

comment on table private.revenue_changes is 'Days whose revenue changed since it was summed';
alter table private.revenue_changes enable row level security;
revoke all on table private.revenue_changes from public, anon, authenticated, service_role;
revoke all on sequence private.revenue_changes_id_seq from public, anon, authenticated, service_role;
