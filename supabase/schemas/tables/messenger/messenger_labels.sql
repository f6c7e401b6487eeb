-- Labels for conversations, made by the team.

create table public.messenger_labels (
  id bigint generated always as identity primary key,
  name text not null check (length(name) between 1 and 40),
  color text not null default 'gray' check (color in ('gray', 'red', 'orange', 'yellow', 'green', 'blue', 'purple')),
  created_at timestamptz not null default private.clock()
);

create unique index messenger_labels_name_idx on public.messenger_labels (lower(name));

comment on table public.messenger_labels is 'Labels for conversations';
alter table public.messenger_labels enable row level security;
revoke all on table public.messenger_labels from public, anon, authenticated, service_role;
revoke all on sequence public.messenger_labels_id_seq from public, anon, authenticated, service_role;
