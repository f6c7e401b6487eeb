-- Canned replies: texts that the team sends often, in several languages, with variables in braces. One with actions is a
-- macro: it labels, assigns and closes, too.

create table public.canned_replies (
  id bigint generated always as identity primary key,
  shortcut text not null check (shortcut ~ '^[a-z0-9_-]{1,32}$'),
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  labels bigint[] not null default '{}',
  takes_over boolean not null default false,
  closes boolean not null default false,
  used_count integer not null default 0,
  updated_at timestamptz not null default private.clock()
);

create unique index canned_replies_shortcut_idx on public.canned_replies (shortcut);

comment on table public.canned_replies is 'Texts that the team sends often, with actions';
comment on column public.canned_replies.shortcut is 'What is typed after a slash to find it';
comment on column public.canned_replies.texts is 'Text by language; may be empty where it only acts';
comment on column public.canned_replies.labels is 'Labels that it gives the conversation';
comment on column public.canned_replies.takes_over is 'It assigns the conversation to the one who uses it';
comment on column public.canned_replies.closes is 'It closes the conversation';
alter table public.canned_replies enable row level security;
revoke all on table public.canned_replies from public, anon, authenticated, service_role;
revoke all on sequence public.canned_replies_id_seq from public, anon, authenticated, service_role;
