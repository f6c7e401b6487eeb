-- People who work for the owner, with their role in the console. The owners themselves are the rows of admins.

create table public.staff (
  user_id bigint primary key references public.users (id) on delete cascade,
  role text not null check (role in ('admin', 'operator', 'author')),
  email text unique check (email = lower(email) and email ~ '^[^@[:space:],]+@[^@[:space:],]+\.[^@[:space:],]+$' and length(email) <= 254),
  added_by bigint references public.users (id) on delete set null,
  created_at timestamptz not null default private.clock(),
  check (role <> 'admin' or email is not null)
);

create index staff_added_by_idx on public.staff (added_by);

create trigger staff_mark_users
after insert or update or delete on public.staff
for each row execute function private.mark_staff();

comment on table public.staff is 'People who work for the owner, with their role';
comment on column public.staff.role is 'admin: everything but roles of admins; operator: conversations; author: courses';
comment on column public.staff.email is 'Address under which an admin acts (private.require_admin); others may have none';
comment on column public.staff.added_by is 'Who gave the role last';
alter table public.staff enable row level security;
revoke all on table public.staff from public, anon, authenticated, service_role;
