-- Default partition: calls of a month that has no partition yet. private.create_usage_partition moves them when it creates the
-- month.

create table public.api_usage_default partition of public.api_usage default;

comment on table public.api_usage_default is 'Default partition: calls of a month that has no partition yet';
alter table public.api_usage_default enable row level security;
revoke all on table public.api_usage_default from public, anon, authenticated, service_role;
