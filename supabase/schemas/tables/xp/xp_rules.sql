-- What users receive XP for. A row of a bot applies instead of the row that all bots have in common (bot '').

create table public.xp_rules (
  bot text not null,
  rule text not null check (rule ~ '^[a-z][a-z0-9_]{0,63}$'),
  points integer check (points between 1 and 1000000),
  daily_cap integer check (daily_cap >= 0),
  daily_percent integer[] check (cardinality(daily_percent) > 0 and 0 <= all(daily_percent) and 100 >= all(daily_percent)),
  is_once boolean not null default false,
  has_periods boolean not null default true,
  primary key (bot, rule)
);

comment on table public.xp_rules is 'What users receive XP for';
comment on column public.xp_rules.bot is 'The bot in which the rule applies; empty: in all of them, and for other services';
comment on column public.xp_rules.points is 'XP of one award if the caller gives none; null: the caller gives them';
comment on column public.xp_rules.daily_cap is 'Most XP that a user receives by this rule in one bot on a day (setting quota_timezone); null: no limit';
comment on column public.xp_rules.daily_percent is 'Percent of the points that the first, second, … award of a day gives; the last one applies to all further ones';
comment on column public.xp_rules.is_once is 'Whether a user receives it once only, whatever the reference, also after an erasure';
comment on column public.xp_rules.has_periods is 'Whether it counts on the boards of the day and the week';
alter table public.xp_rules enable row level security;
revoke all on table public.xp_rules from public, anon, authenticated, service_role;

insert into public.xp_rules (bot, rule, points, daily_cap, daily_percent, is_once, has_periods)
values
('', 'correction', null, null, null, false, false),
('', 'import', null, null, null, false, false),
('', 'service', null, null, null, false, true),
('', 'referral_completed', 50, null, null, false, true),
('assistant', 'first_request', 20, null, null, true, true),
('spin', 'training_finished', null, null, '{100, 100, 100, 50, 25}', false, true),
('spin', 'reversed_finished', 20, 60, null, false, true),
('quiz', 'quiz_right', 5, 200, null, false, true),
('quiz', 'quiz_run', 20, 100, null, false, true),
('quiz', 'daily_challenge', 30, 30, null, false, true),
('courses', 'lesson_completed', 10, 100, null, false, true),
('courses', 'course_completed', 100, null, null, false, true)
on conflict (bot, rule) do nothing;
