-- Messages and clicks of broadcasts by hour, for their charts.

create table public.broadcast_hours (
  broadcast_id bigint not null references public.broadcasts (id) on delete cascade,
  hour timestamptz not null,
  sent bigint not null default 0,
  clicked bigint not null default 0,
  primary key (broadcast_id, hour)
);

comment on table public.broadcast_hours is 'Messages and clicks of broadcasts by hour';
alter table public.broadcast_hours enable row level security;
revoke all on table public.broadcast_hours from public, anon, authenticated, service_role;
