-- Who receives the daily report in the chat, and when. No row: no report.

create table public.analytics_reports (
  user_id bigint primary key references public.users (id) on delete cascade,
  hour smallint not null default 9 check (hour between 0 and 23),
  sent_on date
);

comment on table public.analytics_reports is 'Who receives the daily report in the chat';
comment on column public.analytics_reports.hour is 'Hour of the day in the time zone of the setting quota_timezone';
comment on column public.analytics_reports.sent_on is 'Day of the last report';
alter table public.analytics_reports enable row level security;
revoke all on table public.analytics_reports from public, anon, authenticated, service_role;
