-- Sequences: messages that follow an event of a user, step by step. A step is a row of public.broadcasts.

create table public.sequences (
  id bigint generated always as identity primary key,
  name text not null check (name ~ '\S' and length(name) <= 100),
  event text not null check (
    event in (
      'start', 'checkout_opened', 'first_payment', 'course_bought', 'trial_ended', 'plan_ended', 'order_unpaid', 'plan_ending',
      'learner_idle'
    )
  ),
  kind text not null default 'marketing' check (kind in ('marketing', 'service')),
  bot text,
  segment jsonb not null default '{}' check (jsonb_typeof(segment) = 'object'),
  ignores_limit boolean not null default true,
  leaves_on_purchase boolean not null default true,
  leaves_on_reply boolean not null default false,
  reenter_days integer check (reenter_days between 1 and 3650),
  is_active boolean not null default false,
  version integer not null default 1 check (version > 0),
  starts_from timestamptz not null default private.clock(),
  entered bigint not null default 0,
  finished bigint not null default 0,
  left_counts jsonb not null default '{}' check (jsonb_typeof(left_counts) = 'object'),
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);

comment on table public.sequences is 'Sequences: messages that follow an event of a user, step by step';
comment on column public.sequences.event is 'What a user enters by: start (the first private chat with a bot), checkout_opened, first_payment, course_bought, trial_ended, plan_ended; order_unpaid, plan_ending, learner_idle: in place of the bot''s own reminder';
comment on column public.sequences.bot is 'Bot that sends; null: the one that the user used last';
comment on column public.sequences.segment is 'Who enters, see private.segment_condition';
comment on column public.sequences.ignores_limit is 'Whether its steps leave out the setting broadcast_marketing_days';
comment on column public.sequences.reenter_days is 'Days after the end of a user''s way, after which the event lets the user enter again; null: never';
comment on column public.sequences.starts_from is 'Start events since then have been looked at';
comment on column public.sequences.left_counts is 'Users who left before the end, by reason: {"purchase": 3, "reply": 1, "unsubscribed": 1, "unreachable": 1, "segment": 2, "resolved": 1}';
alter table public.sequences enable row level security;
revoke all on table public.sequences from public, anon, authenticated, service_role;
revoke all on sequence public.sequences_id_seq from public, anon, authenticated, service_role;
