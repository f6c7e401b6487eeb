-- Levels, common to all bots. A change applies at once to all users (private.refresh_levels).

create table public.levels (
  level integer primary key check (level >= 1),
  min_xp bigint not null unique check (min_xp >= 0),
  name_key text not null check (name_key ~ '^[a-z][a-z0-9_]*$')
);

comment on table public.levels is 'Levels and the XP that each needs';
comment on column public.levels.min_xp is 'Lowest users.total_xp of this level; level 1 begins at 0';
comment on column public.levels.name_key is 'Key of the level''s name in the texts, without the prefix level_name_';
alter table public.levels enable row level security;
revoke all on table public.levels from public, anon, authenticated, service_role;

-- Each step needs 100 XP more than the one before.
insert into public.levels (level, min_xp, name_key)
values
(1, 0, 'novice'),
(2, 100, 'novice'),
(3, 300, 'novice'),
(4, 600, 'novice'),
(5, 1000, 'apprentice'),
(6, 1500, 'apprentice'),
(7, 2100, 'apprentice'),
(8, 2800, 'apprentice'),
(9, 3600, 'specialist'),
(10, 4500, 'specialist'),
(11, 5500, 'specialist'),
(12, 6600, 'specialist'),
(13, 7800, 'expert'),
(14, 9100, 'expert'),
(15, 10500, 'expert'),
(16, 12000, 'expert'),
(17, 13600, 'master'),
(18, 15300, 'master'),
(19, 17100, 'master'),
(20, 19000, 'master')
on conflict (level) do nothing;

create trigger levels_lock
before insert or update or delete on public.levels
for each statement execute function private.lock_levels();

create trigger levels_refresh_users
after insert or update or delete on public.levels
for each statement execute function private.refresh_levels();
