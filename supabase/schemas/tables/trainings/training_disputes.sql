-- Lines of finished trainings whose points the user disputed, and what an admin decided.
--
-- open ─▶ upheld       the points stay
--    └──▶ corrected    the line got another label, and the score was computed again

create table public.training_disputes (
  id bigint generated always as identity primary key,
  turn_id bigint not null unique references public.training_turns (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  type text not null,
  reason text not null check (length(reason) <= 500),
  status text not null default 'open' check (status in ('open', 'upheld', 'corrected')),
  corrected_type text,
  score_before integer,
  score_after integer,
  created_at timestamptz not null default private.clock(),
  decided_at timestamptz,
  check ((status = 'open') = (decided_at is null)),
  check ((status = 'corrected') = (corrected_type is not null))
);

create index training_disputes_user_idx on public.training_disputes (user_id);

comment on table public.training_disputes is 'Lines of trainings whose points the user disputed';
comment on column public.training_disputes.type is 'The label that was disputed';
comment on column public.training_disputes.corrected_type is 'The label that an admin gave it instead';
alter table public.training_disputes enable row level security;
revoke all on table public.training_disputes from public, anon, authenticated, service_role;
revoke all on sequence public.training_disputes_id_seq from public, anon, authenticated, service_role;
