-- Which buttons of a broadcast a recipient has used, each once.

create table public.broadcast_clicks (
  broadcast_id bigint not null,
  user_id bigint not null,
  button smallint not null check (button >= 0),
  created_at timestamptz not null default private.clock(),
  primary key (broadcast_id, user_id, button),
  foreign key (broadcast_id, user_id) references public.broadcast_recipients (broadcast_id, user_id) on delete cascade
);

comment on table public.broadcast_clicks is 'Which buttons of a broadcast a recipient has used';
alter table public.broadcast_clicks enable row level security;
revoke all on table public.broadcast_clicks from public, anon, authenticated, service_role;
