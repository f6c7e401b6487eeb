-- Append-only ledger of users.total_xp, which is the sum of the user's rows. A correction is a row of the rule correction.

create table public.xp_awards (
  id bigint generated always as identity,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  rule text not null,
  reference text not null check (reference <> ''),
  requested integer not null,
  points integer not null,
  created_at timestamptz not null default private.clock(),
  primary key (user_id, rule, reference)
);

create index xp_awards_day_idx on public.xp_awards (user_id, rule, created_at);

create trigger xp_awards_immutable
before update on public.xp_awards
for each row execute function private.refuse_change();

-- The foreign key deletes the rows of an erased user: a trigger of users, so at depth 1.
create trigger xp_awards_kept
before delete on public.xp_awards
for each row when (pg_trigger_depth() = 0)
execute function private.refuse_change();

comment on table public.xp_awards is 'Append-only ledger of XP';
comment on column public.xp_awards.id is 'Number in the order in which the user received the rows';
comment on column public.xp_awards.bot is 'The bot in which it was earned; empty: in none';
comment on column public.xp_awards.reference is 'Idempotency key within the user and the rule, for example spin:4711; once:<bot> for a rule that gives once';
comment on column public.xp_awards.requested is 'Points before the limits of the day; of a correction, before the limit at zero';
comment on column public.xp_awards.points is 'Change of users.total_xp';
alter table public.xp_awards enable row level security;
revoke all on table public.xp_awards from public, anon, authenticated, service_role;
revoke all on sequence public.xp_awards_id_seq from public, anon, authenticated, service_role;
