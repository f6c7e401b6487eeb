-- Badges that users have received, shown in all bots.

create table public.user_badges (
  user_id bigint not null references public.users (id) on delete cascade,
  badge text not null check (badge ~ '^[a-z][a-z0-9_]{0,63}$'),
  bot text not null,
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  earned_at timestamptz not null default private.clock(),
  revoked_at timestamptz,
  primary key (user_id, badge, bot)
);

comment on table public.user_badges is 'Badges that users have received';
comment on column public.user_badges.bot is 'The bot in which it was earned; empty: in none';
comment on column public.user_badges.metadata is 'What the bot keeps with it, for example the score';
comment on column public.user_badges.revoked_at is 'Since when it is taken back, by an admin or by an erasure: no condition awards it again; null: the user has it';
alter table public.user_badges enable row level security;
revoke all on table public.user_badges from public, anon, authenticated, service_role;
