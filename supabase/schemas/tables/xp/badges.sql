-- Badges that users receive when their figures meet a condition (private.award_due_badges).

create table public.badges (
  badge text not null check (badge ~ '^[a-z][a-z0-9_]{0,63}$'),
  bot text not null,
  condition jsonb not null check (private.is_badge_condition(condition)),
  primary key (badge, bot)
);

comment on table public.badges is 'Badges that a condition awards';
comment on column public.badges.bot is 'The bot whose figures count; empty: those of any bot, and the badge belongs to none';
comment on column public.badges.condition is '{"all": [["best_score", ">=", 185]]}, or "any"; see private.is_badge_condition';
alter table public.badges enable row level security;
revoke all on table public.badges from public, anon, authenticated, service_role;

insert into public.badges (badge, bot, condition)
values
('level_5', '', '{"all": [["level", ">=", 5]]}'),
('level_10', '', '{"all": [["level", ">=", 10]]}'),
('level_20', '', '{"all": [["level", ">=", 20]]}'),
('streak_7', '', '{"all": [["streak", ">=", 7]]}'),
('streak_30', '', '{"all": [["streak", ">=", 30]]}'),
('streak_100', '', '{"all": [["streak", ">=", 100]]}'),
('first_training', '', '{"all": [["total_trainings", ">=", 1]]}'),
('spin_master', 'spin', '{"all": [["best_score", ">=", 185]]}'),
('ten_trainings', 'spin', '{"all": [["total_trainings", ">=", 10]]}'),
('full_clarity', 'spin', '{"all": [["clarity", ">=", 100]]}'),
('maestro_3', 'spin', '{"all": [["maestro_streak", ">=", 3]]}'),
('active_listener', 'spin', '{"all": [["contextual_questions", ">=", 6]]}'),
('deep_digger', 'spin', '{"all": [["chains", ">=", 3]]}'),
('diplomat', 'spin', '{"all": [["objections_best_score", ">=", 160]]}'),
('patient_ear', 'spin', '{"all": [["objections_contextual_questions", ">=", 6]]}'),
('first_quiz', 'quiz', '{"all": [["total_runs", ">=", 1]]}'),
('perfect_run', 'quiz', '{"all": [["right_percent", ">=", 100], ["questions", ">=", 10]]}'),
('hundred_right', 'quiz', '{"all": [["total_right", ">=", 100]]}'),
('first_lesson', 'courses', '{"all": [["total_lessons", ">=", 1]]}'),
('first_course', 'courses', '{"all": [["total_courses", ">=", 1]]}')
on conflict (badge, bot) do nothing;
