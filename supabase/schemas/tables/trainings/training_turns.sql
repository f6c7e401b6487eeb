-- What the user said in a training and what the client answered, one row per message.

create table public.training_turns (
  id bigint generated always as identity primary key,
  training_id bigint not null references public.trainings (id) on delete cascade,
  reference text not null,
  position integer not null check (position > 0),
  question text not null,
  reply text not null,
  kind text not null,
  type text not null,
  why text not null check (why in ('counted', 'none', 'repeated', 'capped', 'other_type')),
  is_contextual boolean not null,
  is_copied boolean not null,
  used_fragment text not null,
  touches jsonb not null check (jsonb_typeof(touches) = 'array'),
  revealed jsonb not null check (jsonb_typeof(revealed) = 'array'),
  source text not null check (source in ('ai', 'patterns')),
  points integer not null,
  clarity_level integer not null check (clarity_level between 0 and 100),
  disputed_at timestamptz,
  judged_type text,
  is_useful boolean,
  created_at timestamptz not null default private.clock(),
  -- Idempotency: one turn per update.
  unique (training_id, reference),
  unique (training_id, position)
);

create index training_turns_disputed_idx on public.training_turns (training_id) where disputed_at is not null;

comment on table public.training_turns is 'What the user said in a training and what the client answered';
comment on column public.training_turns.why is 'Why it has its points: counted, no move at all, repeated, above the cap of its type, or another type than the drill''s';
comment on column public.training_turns.is_copied is 'It repeats a question that was suggested, so it is not contextual';
comment on column public.training_turns.used_fragment is 'The client''s words that it takes up';
comment on column public.training_turns.source is 'What labeled it: the AI, or the patterns of the scenario';
comment on column public.training_turns.judged_type is 'The label that the user gave a question of the AI, in the reversed role';
comment on column public.training_turns.is_useful is 'Whether the user found that question useful';
comment on column public.training_turns.disputed_at is 'When the user disputed its points; the admins are notified';
alter table public.training_turns enable row level security;
revoke all on table public.training_turns from public, anon, authenticated, service_role;
revoke all on sequence public.training_turns_id_seq from public, anon, authenticated, service_role;
