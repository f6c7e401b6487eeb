-- Conversations that users collect for a review, message by message; one at a time for a user in a bot. A draft is deleted
-- with its review, by /cancel, or a day after its last message (private.delete_old_reviews).

create table public.review_drafts (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  parts jsonb not null default '[]' check (jsonb_typeof(parts) = 'array'),
  lease_reference text,
  lease_until timestamptz,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  unique (user_id, bot)
);

create index review_drafts_updated_idx on public.review_drafts (updated_at);

comment on table public.review_drafts is 'Conversations that users collect for a review';
comment on column public.review_drafts.parts is 'Messages of the user: {reference, text}, the reference of its update';
comment on column public.review_drafts.lease_reference is 'The update that is scoring it; another one waits until lease_until';
alter table public.review_drafts enable row level security;
revoke all on table public.review_drafts from public, anon, authenticated, service_role;
revoke all on sequence public.review_drafts_id_seq from public, anon, authenticated, service_role;
