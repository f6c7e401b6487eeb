-- Cards of leads: what the team and the AI know about a conversation of the messenger as a sale. A card begins with the first
-- qualification or the first change by the team. Name, background, request and score stand in conversations (ai_…).
--
-- Qualification by the AI:  due ─▶ claimed (claim, claimed_until) ─▶ saved | failed (again after ten minutes)

create table public.crm_cards (
  conversation_id bigint primary key references public.conversations (id) on delete cascade,
  stage text not null default 'new',
  stage_since timestamptz not null default private.clock(),
  evidence jsonb not null default '{}',
  signals jsonb not null default '[]',
  language text,
  locked text[] not null default '{}',
  next_action text,
  next_action_at timestamptz,
  next_action_by bigint references public.users (id) on delete set null,
  reminded_at timestamptz,
  qualified_seq bigint not null default 0,
  qualified_at timestamptz,
  run_at timestamptz,
  runs_day date,
  runs integer not null default 0,
  claim uuid,
  claimed_seq bigint,
  claimed_until timestamptz,
  claimed_cost numeric(14, 8),
  version integer not null default 1,
  created_at timestamptz not null default private.clock(),
  check (locked <@ array['real_name', 'background', 'query', 'ready_score'])
);

create index crm_cards_stage_idx on public.crm_cards (stage);
create index crm_cards_next_action_by_idx on public.crm_cards (next_action_by);
create index crm_cards_due_idx on public.crm_cards (next_action_at) where next_action_at is not null and reminded_at is null;

comment on table public.crm_cards is 'Cards of leads: what the team and the AI know about a conversation as a sale';
comment on column public.crm_cards.stage is 'One of the setting crm_stages; a stage that was removed from it stays';
comment on column public.crm_cards.evidence is 'For each field that the AI filled in: {quote, message_id} of the user''s message that says so';
comment on column public.crm_cards.signals is 'Signs of readiness: [{kind, quote, message_id}], the quotes verbatim from messages of the user';
comment on column public.crm_cards.language is 'Language of the user''s messages, as the AI reads it';
comment on column public.crm_cards.locked is 'Fields that a member of the team typed; the AI leaves them alone';
comment on column public.crm_cards.next_action_by is 'Who is reminded of the next action';
comment on column public.crm_cards.reminded_at is 'When the reminder was sent';
comment on column public.crm_cards.qualified_seq is 'Number of the newest message that a qualification has read';
comment on column public.crm_cards.run_at is 'Start of the last qualification, failed ones included';
comment on column public.crm_cards.runs is 'Qualifications on runs_day';
comment on column public.crm_cards.claimed_cost is 'US dollars that the run in progress takes from the day''s budget, until its cost is known';
comment on column public.crm_cards.version is 'Number of changes by the team: a form of an older version is refused';
alter table public.crm_cards enable row level security;
revoke all on table public.crm_cards from public, anon, authenticated, service_role;
