-- What a product of the kind course gives: a tier of a course, for life or for some days.

create table public.course_offers (
  product_key text primary key references public.products (key) on update cascade on delete cascade,
  course_id bigint not null references public.courses (id),
  tier text not null check (tier in ('basic', 'accelerator', 'vip')),
  cohort_id bigint references public.cohorts (id),
  access_days integer check (access_days > 0)
);

create index course_offers_course_idx on public.course_offers (course_id);
create index course_offers_cohort_idx on public.course_offers (cohort_id);

comment on table public.course_offers is 'Which tier of which course a product gives';
comment on column public.course_offers.cohort_id is 'Cohort that a buyer joins; null: each learner begins on the day of the purchase';
comment on column public.course_offers.access_days is 'Days of access; null: for life';
alter table public.course_offers enable row level security;
revoke all on table public.course_offers from public, anon, authenticated, service_role;
