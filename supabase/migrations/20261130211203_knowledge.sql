-- The knowledge base, the AI's help for operators, answers to questions about lessons. The tables have few rows, so constraints and indexes
-- are built at once. ask_lesson_question gets two parameters more, with defaults.

-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint, require-concurrent-index-creation

-- squawk-ignore ban-drop-function
drop function public.ask_lesson_question(p_user_id bigint, p_lesson_id bigint, p_text text, p_reference text);

alter table public.api_usage add column reason text;

alter table public.lesson_questions add column answer text;

alter table public.lesson_questions add column answered_at timestamp with time zone;

alter table public.lesson_questions add column answered_by bigint;

alter table public.lesson_questions add column question_message_id bigint;

-- Returns the query that finds any of these words, which are in their base forms.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: tsquery; null without words.
-- Errors: none.
create or replace function private.any_word(p_words text[])
returns tsquery
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(
      '''' || replace(replace(w.word, '\', '\\'), '''', '''''') || '''', ' | '
    )::tsquery
    from unnest(p_words) as w (word);
$$;

revoke all on function private.any_word from public, anon, authenticated, service_role;
comment on function private.any_word is 'Returns the query that finds any of these words';

-- Returns the searched words of an article, in the base forms of its language; those of the title weigh more.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: tsvector
-- Errors: none.
create or replace function private.article_words(p_language text, p_title text, p_body text)
returns tsvector
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_language
    when 'ru' then
      setweight(to_tsvector('pg_catalog.russian'::regconfig, p_title), 'A')
      || setweight(to_tsvector('pg_catalog.russian'::regconfig, p_body), 'D')
    when 'en' then
      setweight(to_tsvector('pg_catalog.english'::regconfig, p_title), 'A')
      || setweight(to_tsvector('pg_catalog.english'::regconfig, p_body), 'D')
    else
      setweight(to_tsvector('pg_catalog.simple'::regconfig, p_title), 'A')
      || setweight(to_tsvector('pg_catalog.simple'::regconfig, p_body), 'D')
  end;
$$;

revoke all on function private.article_words from public, anon, authenticated, service_role;
comment on function private.article_words is 'Returns the searched words of an article';

-- Returns the words of a question in the base forms of a language, without those that say nothing.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text[], at most 40.
-- Errors: none.
create or replace function private.question_words(p_language text, p_text text)
returns text[]
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select (tsvector_to_array(case p_language
    when 'ru' then to_tsvector('pg_catalog.russian'::regconfig, left(p_text, 2000))
    when 'en' then to_tsvector('pg_catalog.english'::regconfig, left(p_text, 2000))
    else to_tsvector('pg_catalog.simple'::regconfig, left(p_text, 2000))
  end))[:40];
$$;

revoke all on function private.question_words from public, anon, authenticated, service_role;
comment on function private.question_words is 'Returns the words of a question in the base forms of a language';

-- Articles of a bot's knowledge base: pages of help that the AI may answer from once they are published. Who wrote them is in the audit log.
--
-- The setting knowledge:<bot> exists while a bot has published articles, so that receive_update looks for them only then.

create table public.knowledge_articles (
  id bigint generated always as identity primary key,
  bot text not null,
  language text not null,
  slug text not null,
  title text not null,
  body text not null,
  status text not null default 'draft',
  version integer not null default 1,
  is_from_ai boolean not null default false,
  published_at timestamptz,
  updated_at timestamptz not null default private.clock(),
  created_at timestamptz not null default private.clock(),
  unique (bot, language, slug),
  constraint knowledge_articles_check check (
    status in ('draft', 'published') and bot <> '' and language in ('en', 'ru') and slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'
    and length(title) between 1 and 200 and length(body) between 1 and 20000
  )
);

create index knowledge_articles_updated_at_idx on public.knowledge_articles (updated_at, id);
create index knowledge_articles_words_idx
on public.knowledge_articles using gin (private.article_words(language, title, body));

comment on table public.knowledge_articles is 'Articles of a bot''s knowledge base';
comment on column public.knowledge_articles.body is 'Markdown';
comment on column public.knowledge_articles.version is 'Number of the last change: the editor saves the version that it has read';
comment on column public.knowledge_articles.is_from_ai is 'The AI wrote the first version';
alter table public.knowledge_articles enable row level security;
revoke all on table public.knowledge_articles from public, anon, authenticated, service_role;
revoke all on sequence public.knowledge_articles_id_seq from public, anon, authenticated, service_role;

-- What the AI's help for operators cost per bot and day, of the time zone of quotas (setting assistance_daily_cost).

create table public.assistance_days (
  bot text not null,
  day date not null,
  calls integer not null,
  cost numeric(14, 8) not null,
  primary key (bot, day)
);

comment on table public.assistance_days is 'What the AI''s help for operators cost per bot and day';
comment on column public.assistance_days.cost is 'US dollars; calls in progress, and those that were cut off, count with the most that they may cost';
alter table public.assistance_days enable row level security;
revoke all on table public.assistance_days from public, anon, authenticated, service_role;

-- Conversations from which an article of the knowledge base was drafted, or is not to be.

create table public.knowledge_candidates (
  conversation_id bigint primary key references public.conversations (id) on delete cascade,
  seq bigint not null,
  article_id bigint references public.knowledge_articles (id) on delete set null,
  decided_at timestamptz not null default private.clock()
);

create index knowledge_candidates_article_idx on public.knowledge_candidates (article_id);

comment on table public.knowledge_candidates is 'Conversations from which an article was drafted, or is not to be';
comment on column public.knowledge_candidates.seq is 'The newest message then: later ones make the conversation a candidate again';
comment on column public.knowledge_candidates.article_id is 'The draft; null: none was wanted, or it is deleted';
alter table public.knowledge_candidates enable row level security;
revoke all on table public.knowledge_candidates from public, anon, authenticated, service_role;

-- Earlier versions of articles of the knowledge base.

create table public.knowledge_revisions (
  article_id bigint not null references public.knowledge_articles (id) on delete cascade,
  version integer not null,
  title text not null,
  body text not null,
  replaced_at timestamptz not null default private.clock(),
  primary key (article_id, version)
);

comment on table public.knowledge_revisions is 'Earlier versions of articles of the knowledge base';
alter table public.knowledge_revisions enable row level security;
revoke all on table public.knowledge_revisions from public, anon, authenticated, service_role;

-- Stores the answer of a member of the staff to a learner's question about a lesson. The learner gets it in the chat and sees it
-- under the lesson; in the conversation with the team it is a message of the member, and does not keep the bot from answering.
--
-- Concurrency: the question is locked; of two answers the first counts.
-- Locks: users (KEY SHARE), by id, conversation, question.
-- Returns: jsonb
--   {
--     outcome: 'answered'
--       | 'known'          (answered before)
--     answer: text
--     outgoing: outgoing   (the message to the learner, sent once)
--   } | null               (no such question)
-- Errors: N0009 neither an author nor an operator; W0002 the answer is empty or longer than 3,000 characters.
create or replace function public.answer_lesson_question(p_actor_id bigint, p_question_id bigint, p_text text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_course_team(p_actor_id);
  v_answer constant text := btrim(p_text, E' \t\r\n');
  v_question public.lesson_questions;
  v_conversation public.conversations;
  v_user public.users;
  v_bot text;
  v_lesson public.lessons;
  v_outgoing jsonb;
begin
  if coalesce(length(v_answer), 0) not between 1 and 3000 then
    raise exception 'an answer has 1 to 3000 characters' using errcode = 'W0002';
  end if;
  select q.* into v_question from public.lesson_questions as q where q.id = p_question_id;
  perform from public.users as u where u.id in (p_actor_id, v_question.user_id) order by u.id for key share;
  select c.* into v_conversation
    from public.conversations as c
   where c.id = (select m.conversation_id from public.conversation_messages as m where m.id = v_question.question_message_id)
     for update;
  select q.* into v_question from public.lesson_questions as q where q.id = p_question_id for update;
  if not found then
    return null;
  elsif v_question.answered_at is not null then
    return jsonb_build_object('outcome', 'known', 'answer', v_question.answer, 'outgoing', '[]'::jsonb);
  end if;
  update public.lesson_questions as q
     set answer = v_answer, answered_by = p_actor_id, answered_at = private.clock()
   where q.id = p_question_id;
  select u.* into v_user
    from public.users as u
   where u.id = v_question.user_id and u.banned_at is null and u.is_active;
  v_bot := private.reachable_bot(v_user.id, v_user.telegram_id, v_conversation.bot);
  select l.* into v_lesson from public.lessons as l where l.id = v_question.lesson_id;
  v_outgoing := private.enqueue_user_message(
    v_user.id,
    v_bot,
    'lesson_answered',
    jsonb_build_object(
      'lesson', private.text_titles(v_lesson.texts),
      'question', left(v_question.text, 300) || case when length(v_question.text) > 300 then '…' else '' end,
      'answer', v_answer
    ),
    jsonb_build_array(jsonb_build_array(
      jsonb_build_object('key', 'lesson_open', 'data', format('lesson:%s:%s', v_lesson.course_id, v_lesson.id))
    ))
  );
  if v_conversation.id is not null then
    perform private.record_lesson_answer(
      v_conversation, v_question, p_actor_id, v_answer,
      case when v_bot = v_conversation.bot then (v_outgoing #>> '{0,id}')::bigint end
    );
  end if;
  perform private.write_audit(
    v_account, 'answer_lesson_question', v_question.user_id, null, '{}', jsonb_build_object('question', p_question_id)
  );
  return jsonb_build_object('outcome', 'answered', 'answer', v_answer, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.answer_lesson_question from public, anon, authenticated, service_role;
grant execute on function public.answer_lesson_question to bot_backend;
comment on function public.answer_lesson_question is 'Stores the answer to a learner''s question about a lesson';

-- Stores a learner's question about a lesson. A learner asks at most 20 in 24 hours. Where one of p_messenger_bots may write to the
-- learner, the question is a message of their conversation with the team, too.
--
-- p_messenger_bots: bots with the messenger, '*' for all; the first is preferred. p_message_id: the message in which the learner
-- typed the question; null: on a page.
--
-- Concurrency: the progress in the lesson is locked, so a form that is sent twice is one question.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.send_question_to_team.
-- Returns: jsonb
--   outcome: 'stored' | 'limited'
--     | 'no_access'          (the lesson is not open to the user)
-- Errors: W0002 the text is empty or longer than 4,000 characters, or the reference is empty.
create or replace function public.ask_lesson_question(
  p_user_id bigint, p_lesson_id bigint, p_text text, p_reference text, p_messenger_bots jsonb default '[]',
  p_message_id bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
  v_question public.lesson_questions;
begin
  if v_lesson.id is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  if coalesce(length(btrim(p_text)), 0) not between 1 and 4000 or coalesce(p_reference, '') = '' then
    raise exception 'no question' using errcode = 'W0002';
  end if;
  perform private.lock_progress(p_user_id, v_lesson);
  if exists (select from public.lesson_questions as q where q.user_id = p_user_id and q.reference = p_reference) then
    return jsonb_build_object('outcome', 'stored');
  end if;
  if (
    select count(*) >= 20
      from public.lesson_questions as q
     where q.user_id = p_user_id and q.created_at > private.clock() - interval '24 hours'
  ) then
    return jsonb_build_object('outcome', 'limited');
  end if;
  insert into public.lesson_questions (user_id, lesson_id, text, reference)
  values (p_user_id, p_lesson_id, btrim(p_text), p_reference)
  returning * into v_question;
  perform private.send_question_to_team(v_question, p_messenger_bots, p_message_id);
  return jsonb_build_object('outcome', 'stored');
end
$$;

revoke all on function public.ask_lesson_question from public, anon, authenticated, service_role;
grant execute on function public.ask_lesson_question to bot_backend;
comment on function public.ask_lesson_question is 'Stores a learners question about a lesson';

-- Lists learners' questions for those who answer them: what waits the oldest first, what is answered the newest first. p_after: the id
-- of the last one of the page before.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   waiting: bigint        (questions without an answer in all courses)
--   questions: [ {
--     id: bigint
--     name: text
--     username: text | null
--     course: text                             (slug)
--     lesson: text                             (slug)
--     titles: { [text]: text }                 (of the lesson)
--     text: text
--     created_at: timestamptz
--     answer: text | null
--     answered_at: timestamptz | null
--     author: text | null                      (name of the member who answered)
--     conversation_id: bigint | null           (of the messenger)
--   } ]
-- Errors: N0009 neither an author nor an operator.
create or replace function public.lesson_questions_of_team(
  p_actor_id bigint, p_is_answered boolean default false, p_after bigint default null, p_limit integer default 20
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_course_team(p_actor_id);
  return jsonb_build_object(
    'waiting', (select count(*) from public.lesson_questions as q where q.answered_at is null),
    'questions', (
      select coalesce(jsonb_agg(r.row order by r.place), '[]'::jsonb)
        from (
          select
            case when p_is_answered then -q.id else q.id end as place,
            jsonb_build_object(
              'id', q.id,
              'name', concat_ws(' ', u.first_name, u.last_name),
              'username', u.username,
              'course', c.slug,
              'lesson', l.slug,
              'titles', private.text_titles(l.texts),
              'text', q.text,
              'created_at', q.created_at,
              'answer', q.answer,
              'answered_at', q.answered_at,
              'author', (
                select concat_ws(' ', a.first_name, a.last_name) from public.users as a where a.id = q.answered_by
              ),
              'conversation_id', (
                select m.conversation_id from public.conversation_messages as m where m.id = q.question_message_id
              )
            ) as row
            from public.lesson_questions as q
            join public.users as u on u.id = q.user_id
            join public.lessons as l on l.id = q.lesson_id
            join public.courses as c on c.id = l.course_id
           where (q.answered_at is not null) = p_is_answered
             and case when p_is_answered then q.id < coalesce(p_after, q.id + 1) else q.id > coalesce(p_after, 0) end
           order by case when p_is_answered then -q.id else q.id end
           limit least(greatest(p_limit, 1), 100)
        ) as r
    )
  );
end
$$;

revoke all on function public.lesson_questions_of_team from public, anon, authenticated, service_role;
grant execute on function public.lesson_questions_of_team to bot_backend;
comment on function public.lesson_questions_of_team is 'Lists learners'' questions for those who answer them';

-- Returns a learner's own questions about a lesson, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { text: text, created_at: timestamptz, answer: text | null, answered_at: timestamptz | null } ]
-- Errors: none.
create or replace function public.list_lesson_questions(p_user_id bigint, p_lesson_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'text', q.text, 'created_at', q.created_at, 'answer', q.answer, 'answered_at', q.answered_at
        )
        order by q.id desc
      ),
      '[]'::jsonb
    )
    from public.lesson_questions as q
   where q.user_id = p_user_id and q.lesson_id = p_lesson_id;
$$;

revoke all on function public.list_lesson_questions from public, anon, authenticated, service_role;
grant execute on function public.list_lesson_questions to bot_backend;
comment on function public.list_lesson_questions is 'A learners own questions about a lesson';

-- Writes the answer to a question about a lesson into the learner's conversation with the team. The question is read, and the
-- learner waits no longer where nothing else of theirs is unanswered.
--
-- p_outbox_id: the item that delivers the answer; null: it is delivered by another bot, or not at all.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.record_lesson_answer(
  p_conversation public.conversations, p_question public.lesson_questions, p_actor_id bigint, p_answer text, p_outbox_id bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_question public.conversation_messages;
  v_is_unread boolean;
begin
  select m.* into v_question from public.conversation_messages as m where m.id = p_question.question_message_id;
  update public.conversation_messages as m
     set read = true, version = p_conversation.last_version + 1
   where m.id = v_question.id and not m.read;
  v_is_unread := found;
  insert into public.conversation_messages (
    conversation_id, admin_id, body, direction, kind, source, seq, version, reply_to, media, read, status, outbox_id, created_at
  )
  values (
    p_conversation.id, p_actor_id, p_answer, 1, 'text', 'staff', p_conversation.last_seq + 1, p_conversation.last_version + 2,
    v_question.telegram_message_id, v_question.media, true,
    case when p_outbox_id is null then 'sent' else 'queued' end, p_outbox_id, v_now
  );
  update public.conversations as c
     set last_seq = c.last_seq + 1,
         last_version = c.last_version + 2,
         last_message_at = v_now,
         preview = private.message_preview('text', p_answer),
         unread_count = greatest(c.unread_count - v_is_unread::integer, 0),
         waiting_since = case
           when exists (
             select
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.seq > v_question.seq and m.direction = 0 and m.kind <> 'event'
           ) then c.waiting_since
         end,
         changed_xid = pg_current_xact_id()
   where c.id = p_conversation.id;
end
$$;

revoke all on function private.record_lesson_answer from public, anon, authenticated, service_role;
comment on function private.record_lesson_answer is 'Writes the answer to a question about a lesson into the conversation';

-- Checks that a user may answer learners: authors, operators, admins and owners.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the user's account in the audit log (private.account_name).
-- Errors: N0009 the user's role does not allow it.
create or replace function private.require_course_team(p_actor_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.require_staff(
    p_actor_id, case private.staff_role(p_actor_id) when 'operator' then 'operator' else 'author' end
  );
end
$$;

revoke all on function private.require_course_team from public, anon, authenticated, service_role;
comment on function private.require_course_team is 'Checks that a user may answer learners';

-- Puts a learner's question into their conversation with the team. Its media holds {lesson_question: {id, course, lesson, titles}}:
-- number of the question, slugs, titles of the lesson by language.
--
-- p_bots and p_message_id: see public.ask_lesson_question.
--
-- Concurrency: the conversation is locked. The caller calls once per question.
-- Locks: as private.record_incoming_message.
-- Returns: void
-- Errors: as private.record_incoming_message.
create or replace function private.send_question_to_team(
  p_question public.lesson_questions, p_bots jsonb, p_message_id bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
  v_conversation public.conversations;
  v_media jsonb;
  v_message_id bigint;
begin
  select s.bot into v_bot
    from public.bot_sessions as s
    join public.users as u on u.id = s.user_id
   where s.user_id = p_question.user_id and s.chat_id = u.telegram_id and not s.is_blocked
     and p_bots ?| array[s.bot, '*']
   order by s.bot = p_bots ->> 0 desc, s.updated_at desc
   limit 1;
  if v_bot is null then
    return;
  end if;
  select jsonb_build_object(
      'lesson_question',
      jsonb_build_object(
        'id', p_question.id, 'course', c.slug, 'lesson', l.slug, 'titles', private.text_titles(l.texts)
      )
    )
    into v_media
    from public.lessons as l
    join public.courses as c on c.id = l.course_id
   where l.id = p_question.lesson_id;
  v_conversation := private.open_messenger_conversation(p_question.user_id, v_bot);
  update public.conversation_messages as m
     set media = v_media, version = v_conversation.last_version + 1
   where m.conversation_id = v_conversation.id and m.telegram_message_id = p_message_id and m.direction = 0
  returning m.id into v_message_id;
  if found then
    update public.conversations as c
       set last_version = c.last_version + 1, changed_xid = pg_current_xact_id()
     where c.id = v_conversation.id;
  else
    perform private.record_incoming_message(
      p_question.user_id, v_bot, jsonb_build_object('kind', 'text', 'body', p_question.text, 'media', v_media)
    );
    select m.id into v_message_id
      from public.conversation_messages as m
     where m.conversation_id = v_conversation.id
     order by m.seq desc
     limit 1;
  end if;
  update public.lesson_questions as q set question_message_id = v_message_id where q.id = p_question.id;
end
$$;

revoke all on function private.send_question_to_team from public, anon, authenticated, service_role;
comment on function private.send_question_to_team is 'Puts a learner''s question into their conversation with the team';

-- Returns an article as lists show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   bot: text
--   language: text
--   slug: text
--   title: text
--   status: 'draft' | 'published'
--   is_from_ai: boolean
--   version: int
--   updated_at: timestamptz
-- Errors: none.
create or replace function private.article_row(p_article public.knowledge_articles)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_article.id,
    'bot', p_article.bot,
    'language', p_article.language,
    'slug', p_article.slug,
    'title', p_article.title,
    'status', p_article.status,
    'is_from_ai', p_article.is_from_ai,
    'version', p_article.version,
    'updated_at', p_article.updated_at
  );
$$;

revoke all on function private.article_row from public, anon, authenticated, service_role;
comment on function private.article_row is 'Returns an article as lists show it';

-- Admits a call to the AI that helps an operator, and returns what it may read of a conversation: texts of the user, the AI and the team,
-- and published articles. Notes, taps, contacts and answers of the bot's menus are left out; Python hides contacts in texts.
--
-- p_reason: draft_reply, summary, translation, article. p_seq: of a translation, the message; null: of a text that the operator typed. p_cost: US dollars that the call may cost at
-- most; the bot's budget of the day (setting assistance_daily_cost, or assistance_daily_cost:<bot>) holds them until
-- public.finish_assistance.
--
-- Concurrency: the budget is taken by one statement, so calls at once do not exceed it.
-- Locks: the bot's row of assistance_days.
-- Returns: jsonb
--   outcome: 'ready' | 'empty' | 'limited'       (empty: there is nothing to read; limited: the budget of the day is spent)
--   bot: text
--   day: date
--   language?: text                              (ready, as all that follows: the user's)
--   messages?: [ { from: 'user' | 'ai' | 'staff', text: text } ]      (oldest first)
--   articles?: [ { language: text, slug: text, title: text, body: text } ]     (of a draft reply)
--   seq?: bigint                                 (of the newest message)
-- Errors: N0009 not an operator; I0001 no such conversation.
create or replace function public.begin_assistance(
  p_actor_id bigint, p_conversation_id bigint, p_reason text, p_cost numeric, p_seq bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_day constant date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_conversation public.conversations;
  v_messages jsonb := '[]'::jsonb;
  v_budget numeric;
begin
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  perform private.audit_reading(
    v_account, 'read_conversation', p_conversation_id::text, v_conversation.user_id,
    jsonb_build_object('conversation_id', p_conversation_id)
  );
  select coalesce(jsonb_agg(jsonb_build_object('from', m.source, 'text', left(m.body, 4000)) order by m.seq), '[]'::jsonb)
    into v_messages
    from (
      select k.seq, k.source, k.body
        from public.conversation_messages as k
       where k.conversation_id = p_conversation_id and k.source in ('user', 'ai', 'staff') and k.deleted_at is null
         and k.kind in ('text', 'photo', 'video', 'voice', 'audio', 'document', 'animation') and k.body ~ '\S'
         and not coalesce(k.media ? 'is_forwarded', false)
         and (p_reason <> 'translation' or k.seq = p_seq)
       order by k.seq desc
       limit case p_reason when 'draft_reply' then 20 else 200 end
    ) as m;
  if v_messages = '[]' and (p_reason <> 'translation' or p_seq is not null) then
    return jsonb_build_object('outcome', 'empty', 'bot', v_conversation.bot, 'day', v_day);
  end if;
  v_budget := coalesce(
    private.setting('assistance_daily_cost:' || v_conversation.bot), private.setting('assistance_daily_cost')
  )::numeric;
  insert into public.assistance_days as d (bot, day, calls, cost)
  select v_conversation.bot, v_day, 1, p_cost
   where p_cost <= v_budget
  on conflict (bot, day) do update
    set calls = d.calls + 1, cost = d.cost + excluded.cost
    where d.cost + excluded.cost <= v_budget;
  if not found then
    return jsonb_build_object('outcome', 'limited', 'bot', v_conversation.bot, 'day', v_day);
  end if;
  return jsonb_build_object(
    'outcome', 'ready',
    'bot', v_conversation.bot,
    'day', v_day,
    'language', (
      select coalesce(u.language, u.language_code) from public.users as u where u.id = v_conversation.user_id
    ),
    'messages', v_messages,
    'articles', case
      when p_reason = 'draft_reply' then private.find_articles(
        v_conversation.bot,
        (
          select string_agg(r.value ->> 'text', ' ')
            from (
              select e.value
                from jsonb_array_elements(v_messages) with ordinality as e (value, place)
               where e.value ->> 'from' = 'user'
               order by e.place desc
               limit 3
            ) as r
        )
      )
      else '[]'::jsonb
    end,
    'seq', v_conversation.last_seq
  );
end
$$;

revoke all on function public.begin_assistance from public, anon, authenticated, service_role;
grant execute on function public.begin_assistance to bot_backend;
comment on function public.begin_assistance is 'Admits a call to the AI that helps an operator';

-- Notes that an article was drafted from a conversation, or that none is wanted (p_article_id null). Later messages of the user make it a
-- candidate again.
--
-- Concurrency: one row per conversation; the last decision counts.
-- Locks: conversation (KEY SHARE).
-- Returns: jsonb
--   outcome: 'decided'
-- Errors: N0009 not an operator; I0001 no such conversation.
create or replace function public.decide_candidate(p_actor_id bigint, p_conversation_id bigint, p_article_id bigint default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id for key share;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  insert into public.knowledge_candidates (conversation_id, seq, article_id)
  values (p_conversation_id, v_conversation.last_seq, p_article_id)
  on conflict (conversation_id) do update
    set seq = excluded.seq, article_id = excluded.article_id, decided_at = private.clock();
  return jsonb_build_object('outcome', 'decided');
end
$$;

revoke all on function public.decide_candidate from public, anon, authenticated, service_role;
grant execute on function public.decide_candidate to bot_backend;
comment on function public.decide_candidate is 'Notes that an article was drafted from a conversation, or none is wanted';

-- Finds the published articles of a bot that fit a question best. An article fits with a word of the question in its title, with two
-- of them in its text, or with half of them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { language: text, slug: text, title: text, body: text } ]     (the best first; at most p_limit, p_characters of their texts)
-- Errors: none.
create or replace function private.find_articles(p_bot text, p_text text, p_limit integer default 3, p_characters integer default 6000)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'language', b.language, 'slug', b.slug, 'title', b.title, 'body', left(b.body, p_characters / p_limit)
        )
        order by b.score desc, b.id
      ),
      '[]'::jsonb
    )
    from (
      select a.*, f.in_title * 3 + f.in_text as score
        from (
          select l.language, w.words, private.any_word(w.words) as query
            from (values ('en'), ('ru')) as l (language)
            cross join lateral private.question_words(l.language, p_text) as w (words)
           where cardinality(w.words) > 0
        ) as q
        join public.knowledge_articles as a
          on a.language = q.language and private.article_words(a.language, a.title, a.body) @@ q.query
        cross join lateral (
          select
            count(*) filter (where x.weights @> '{A}') as in_title,
            count(*) as in_text
            from unnest(private.article_words(a.language, a.title, a.body)) as x
           where x.lexeme = any (q.words)
        ) as f
       where a.bot = p_bot and a.status = 'published'
         and (f.in_title > 0 or f.in_text >= 2 or f.in_text * 2 >= cardinality(q.words))
       order by score desc, a.id
       limit p_limit
    ) as b;
$$;

revoke all on function private.find_articles from public, anon, authenticated, service_role;
comment on function private.find_articles is 'Finds the published articles that fit a question';

-- Records what a call to the AI that helped an operator cost: in the budget of its day, and as a call of that operator.
--
-- p_cost: as in public.begin_assistance. p_usage: see private.record_usage.
--
-- Concurrency: the caller calls once per public.begin_assistance; without it, the budget of the day keeps the most that it may cost.
-- Locks: actor (KEY SHARE), the bot's row of assistance_days, then as private.record_usage.
-- Returns: jsonb
--   outcome: 'recorded'
-- Errors: none.
create or replace function public.finish_assistance(p_actor_id bigint, p_bot text, p_day date, p_cost numeric, p_usage jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_call public.telegram_updates;
begin
  perform from public.users as u where u.id = p_actor_id for key share;
  update public.assistance_days as d
     set cost = greatest(
           d.cost - p_cost
           + (select coalesce(sum(private.usage_cost(u.value ->> 'cost')), 0) from jsonb_array_elements(p_usage) as u),
           0
         )
   where d.bot = p_bot and d.day = p_day;
  v_call.user_id := p_actor_id;
  v_call.bot := p_bot;
  v_call.update_id := p_actor_id;
  perform private.record_usage(v_call, p_usage, false);
  return jsonb_build_object('outcome', 'recorded');
end
$$;

revoke all on function public.finish_assistance from public, anon, authenticated, service_role;
grant execute on function public.finish_assistance to bot_backend;
comment on function public.finish_assistance is 'Records what help of the AI for an operator cost';

-- Lists articles of the knowledge base for operators, those changed last first. p_search: words of the article.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   articles: [ private.article_row ]
--   has_more: boolean
-- Errors: N0009 not an operator.
create or replace function public.list_articles(
  p_actor_id bigint, p_bot text default null, p_status text default null, p_search text default null, p_page integer default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
begin
  perform private.require_staff(p_actor_id, 'operator');
  v_ids := array(
    select a.id
      from public.knowledge_articles as a
     where (p_bot is null or a.bot = p_bot)
       and (p_status is null or a.status = p_status)
       and (
         coalesce(btrim(p_search), '') = ''
         or private.article_words(a.language, a.title, a.body) @@ private.any_word(private.question_words(a.language, p_search))
         or strpos(lower(a.title), lower(btrim(p_search))) > 0
       )
     order by a.updated_at desc, a.id desc
    offset least(greatest(p_page, 0), 10000) * 50
     limit 51
  );
  return jsonb_build_object(
    'articles', (
      select coalesce(jsonb_agg(private.article_row(a) order by a.updated_at desc, a.id desc), '[]'::jsonb)
        from public.knowledge_articles as a
       where a.id = any (v_ids[:50])
    ),
    'has_more', cardinality(v_ids) > 50
  );
end
$$;

revoke all on function public.list_articles from public, anon, authenticated, service_role;
grant execute on function public.list_articles to bot_backend;
comment on function public.list_articles is 'Lists articles of the knowledge base for operators';

-- Lists conversations from which an article could be drafted: the user asked for a human or rated the answer low, or the team answered and
-- closed the conversation. One that was decided on counts again after newer messages of the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     conversation_id: bigint
--     bot: text
--     reason: 'low_rating' | 'human' | 'closed'
--     question: text               (the user's last text, at most 300 characters)
--     last_message_at: timestamptz
--   } ]                            (newest first, at most 50)
-- Errors: N0009 not an operator.
create or replace function public.list_candidates(p_actor_id bigint, p_bot text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'conversation_id', f.id, 'bot', f.bot, 'reason', f.reason, 'question', f.question, 'last_message_at', f.last_message_at
          )
          order by f.last_message_at desc, f.id desc
        ),
        '[]'::jsonb
      )
      from (
        select
          c.id, c.bot, c.last_message_at, left(q.body, 300) as question,
          case
            when c.rating <= 2 then 'low_rating'
            when c.status = 'closed' then 'closed'
            else 'human'
          end as reason
          from public.conversations as c
          left join public.knowledge_candidates as k on k.conversation_id = c.id
          cross join lateral (
            select m.body
              from public.conversation_messages as m
             where m.conversation_id = c.id and m.direction = 0 and m.kind = 'text' and m.body ~ '\S' and left(m.body, 1) <> '/'
             order by m.seq desc
             limit 1
          ) as q
         where c.last_message_at > private.clock() - interval '30 days'
           and (p_bot is null or c.bot = p_bot)
           and (c.rating <= 2 or c.status = 'closed' or c.takeovers > 0)
           and c.last_in_seq > coalesce(k.seq, 0)
           and exists (
             select
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.source = 'staff' and m.kind <> 'note' and m.deleted_at is null
           )
         order by c.last_message_at desc, c.id desc
         limit 50
      ) as f
  );
end
$$;

revoke all on function public.list_candidates from public, anon, authenticated, service_role;
grant execute on function public.list_candidates to bot_backend;
comment on function public.list_candidates is 'Lists conversations from which an article could be drafted';

-- Publishes an article of the knowledge base, or makes it a draft again.
--
-- Concurrency: changes of one bot wait for each other, so the setting knowledge:<bot> says whether the bot has published articles.
-- Locks: advisory lock of the bot's articles, article.
-- Returns: jsonb
--   {
--     outcome: 'published' | 'hidden' | 'known' | 'changed'     (changed: another saved since p_version)
--   } | null               (no such article)
-- Errors: N0009 not an operator.
create or replace function public.publish_article(p_actor_id bigint, p_article_id bigint, p_is_published boolean, p_version integer default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_article public.knowledge_articles;
  v_key text;
begin
  select a.* into v_article from public.knowledge_articles as a where a.id = p_article_id;
  perform pg_advisory_xact_lock(hashtextextended('articles of ' || v_article.bot, 0));
  select a.* into v_article from public.knowledge_articles as a where a.id = p_article_id for update;
  if not found then
    return null;
  elsif v_article.version <> coalesce(p_version, v_article.version) then
    return jsonb_build_object('outcome', 'changed');
  elsif (v_article.status = 'published') = p_is_published then
    return jsonb_build_object('outcome', 'known');
  end if;
  update public.knowledge_articles as a
     set status = case when p_is_published then 'published' else 'draft' end,
         published_at = case when p_is_published then private.clock() end
   where a.id = p_article_id;
  v_key := 'knowledge:' || v_article.bot;
  if exists (select from public.knowledge_articles as a where a.bot = v_article.bot and a.status = 'published') then
    insert into private.settings (key, value, about)
    values (v_key, 'true', 'The bot has published articles; kept by publish_article')
    on conflict (key) do nothing;
  else
    delete from private.settings as s where s.key = v_key;
  end if;
  perform private.write_audit(
    v_account, case when p_is_published then 'publish_article' else 'hide_article' end, null, null, jsonb_build_object('status', v_article.status),
    jsonb_build_object(
      'article', p_article_id, 'title', v_article.title, 'status', case when p_is_published then 'published' else 'draft' end
    )
  );
  return jsonb_build_object('outcome', case when p_is_published then 'published' else 'hidden' end);
end
$$;

revoke all on function public.publish_article from public, anon, authenticated, service_role;
grant execute on function public.publish_article to bot_backend;
comment on function public.publish_article is 'Publishes an article, or makes it a draft again';

-- Returns a published article for its public page.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     title: text
--     body: text
--     updated_at: timestamptz
--     other: { [text]: text }     (slugs of the same article's other languages: the published ones with this slug)
--   } | null                      (none is published)
-- Errors: none.
create or replace function public.published_article(p_bot text, p_language text, p_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'title', a.title, 'body', a.body, 'updated_at', a.updated_at,
      'other', (
        select coalesce(jsonb_object_agg(o.language, o.slug), '{}'::jsonb)
          from public.knowledge_articles as o
         where o.bot = p_bot and o.slug = p_slug and o.language <> p_language and o.status = 'published'
      )
    )
    from public.knowledge_articles as a
   where a.bot = p_bot and a.language = p_language and a.slug = p_slug and a.status = 'published';
$$;

revoke all on function public.published_article from public, anon, authenticated, service_role;
grant execute on function public.published_article to bot_backend;
comment on function public.published_article is 'Returns a published article for its public page';

-- Returns an article with its earlier versions for the editor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     article: private.article_row
--     body: text
--     revisions: [ { version: int, title: text, body: text, replaced_at: timestamptz } ]   (newest first, at most 20)
--   } | null               (no such article)
-- Errors: N0009 not an operator.
create or replace function public.read_article(p_actor_id bigint, p_article_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_article public.knowledge_articles;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select a.* into v_article from public.knowledge_articles as a where a.id = p_article_id;
  if not found then
    return null;
  end if;
  return jsonb_build_object(
    'article', private.article_row(v_article),
    'body', v_article.body,
    'revisions', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'version', r.version, 'title', r.title, 'body', r.body, 'replaced_at', r.replaced_at
            )
            order by r.version desc
          ),
          '[]'::jsonb
        )
        from (
          select k.* from public.knowledge_revisions as k where k.article_id = p_article_id order by k.version desc limit 20
        ) as r
    )
  );
end
$$;

revoke all on function public.read_article from public, anon, authenticated, service_role;
grant execute on function public.read_article to bot_backend;
comment on function public.read_article is 'Returns an article with its earlier versions';

-- Creates an article as a draft (p_article_id null) or saves a new version of one; the version before is kept as a revision.
--
-- p_values {bot, language, slug, title, body, is_from_ai?}; of a known article bot and language stay. p_version: what the editor has read.
--
-- Concurrency: the article is locked; of two editors the second gets 'changed'. Of two new articles with one slug the second gets 'taken'.
-- Locks: article.
-- Returns: jsonb
--   {
--     outcome: 'saved' | 'changed' | 'taken'     (changed: another saved meanwhile; taken: the slug is another article's)
--     id?: bigint                                (saved)
--   } | null                                     (no such article)
-- Errors: N0009 not an operator; K0003 a value is invalid.
create or replace function public.save_article(p_actor_id bigint, p_article_id bigint, p_values jsonb, p_version integer default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_article public.knowledge_articles;
  v_before public.knowledge_articles;
begin
  if p_article_id is null then
    insert into public.knowledge_articles (bot, language, slug, title, body, is_from_ai)
    values (
      p_values ->> 'bot', p_values ->> 'language', p_values ->> 'slug', btrim(p_values ->> 'title'), btrim(p_values ->> 'body'),
      coalesce((p_values ->> 'is_from_ai')::boolean, false)
    )
    on conflict (bot, language, slug) do nothing
    returning * into v_article;
    if v_article.id is null then
      return jsonb_build_object('outcome', 'taken');
    end if;
  else
    select a.* into v_before from public.knowledge_articles as a where a.id = p_article_id for update;
    if not found then
      return null;
    elsif v_before.version is distinct from p_version then
      return jsonb_build_object('outcome', 'changed');
    elsif exists (
      select
        from public.knowledge_articles as a
       where (a.bot, a.language, a.slug) = (v_before.bot, v_before.language, p_values ->> 'slug') and a.id <> p_article_id
    ) then
      return jsonb_build_object('outcome', 'taken');
    end if;
    insert into public.knowledge_revisions (article_id, version, title, body)
    values (p_article_id, v_before.version, v_before.title, v_before.body);
    update public.knowledge_articles as a
       set slug = p_values ->> 'slug', title = btrim(p_values ->> 'title'), body = btrim(p_values ->> 'body'),
           version = a.version + 1, updated_at = private.clock()
     where a.id = p_article_id
    returning a.* into v_article;
  end if;
  perform private.write_audit(
    v_account, 'save_article', null, null, jsonb_build_object('title', v_before.title),
    jsonb_build_object('article', v_article.id, 'title', v_article.title, 'version', v_article.version)
  );
  return jsonb_build_object('outcome', 'saved', 'id', v_article.id);
exception
  when check_violation or not_null_violation then
    raise exception 'a value of the article is invalid' using errcode = 'K0003';
  when unique_violation then
    return jsonb_build_object('outcome', 'taken');
end
$$;

revoke all on function public.save_article from public, anon, authenticated, service_role;
grant execute on function public.save_article to bot_backend;
comment on function public.save_article is 'Creates an article or saves a new version of one';

-- Collects what is stored about a user's courses: access, progress, answers, homework and certificates.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.courses_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'written', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'author_id' order by c.id), '[]'::jsonb)
        from public.courses as c
       where c.author_id = p_user_id
    ),
    'enrollments', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.id), '[]'::jsonb)
        from public.enrollments as e
       where e.user_id = p_user_id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) order by g.id), '[]'::jsonb)
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
       where e.user_id = p_user_id
    ),
    'courses', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.course_id), '[]'::jsonb)
        from public.course_progress as p
       where p.user_id = p_user_id
    ),
    'lessons', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.lesson_id), '[]'::jsonb)
        from public.lesson_progress as p
       where p.user_id = p_user_id
    ),
    'quiz_attempts', (
      select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
        from public.lesson_quiz_attempts as a
       where a.user_id = p_user_id
    ),
    'homework', (
      select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id', 'reviewer_email'] order by h.id), '[]'::jsonb)
        from public.homework_submissions as h
       where h.user_id = p_user_id
    ),
    'questions', (
      select coalesce(jsonb_agg(to_jsonb(q) - array['id', 'user_id', 'answered_by', 'question_message_id'] order by q.id), '[]'::jsonb)
        from public.lesson_questions as q
       where q.user_id = p_user_id
    ),
    'certificates', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'user_id' order by c.course_id), '[]'::jsonb)
        from public.course_certificates as c
       where c.user_id = p_user_id
    )
  );
$$;

revoke all on function private.courses_section from public, anon, authenticated, service_role;
comment on function private.courses_section is 'Collects what is stored about a user''s courses';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further. p_answer_tokens: the longest answer, for the cost of a conversation with a model of its own.
-- p_message: what the conversation of the messenger shows of the update (private.record_incoming_message); null where the bot
-- has no messenger. While a human answers, no AI request is reserved.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, with p_message the conversation, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     memory_enabled?: boolean | null,
--     ban?: { reason: text | null, notified: boolean } | null,
--     gate?: 'maintenance' | 'invite' | 'closed' | null     (why the bots do not serve the user now)
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   conversation?: private.load_conversation | null    (work; null: the main one, without settings)
--   memory?: [ text ] | null                  (facts that the user lets the bot keep; only in the private chat)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   articles?: private.find_articles | null      (that fit the question; null: the bot has no published ones, or no AI is asked)
--   messenger?: {
--     conversation_id: bigint, handler: 'bot' | 'human' | 'paused', takeovers: int, is_returned: boolean
--   } | null               (null: the bot has no messenger; is_returned: the bot answers again since this message)
--   is_old_edit?: boolean  (the user asked another question after the edited one, or it belongs to another conversation)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0,
  p_answer_tokens integer default null,
  p_message jsonb default null
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_gate text;
  v_maintenance text;
  v_session public.bot_sessions;
  v_conversation jsonb;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_old_edit boolean := false;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
  v_messenger jsonb;
  v_has_articles boolean;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  -- In a mode that makes pictures, a text is no question to the AI.
  p_reserve := p_reserve and v_session.mode not like 'image:%';
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
    p_message := p_message || '{"body": "[hidden]"}';
  end if;
  if v_session.session_data ? 'conversation' then
    v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    -- The estimate of p_cost has at least 60,000 characters.
    p_cost := greatest(
      p_cost * (1 + coalesce((v_conversation ->> 'file_characters')::integer, 0) / 60000.0),
      (v_conversation ->> 'cost')::numeric
    );
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  if p_message is not null then
    p_reserve := p_reserve and not private.is_human_answering(v_user.id, p_bot);
  end if;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'maintenance'),
    case when p_reserve then (select true from private.settings as s where s.key = 'knowledge:' || p_bot) end
    into v_timezone, v_currency, v_maintenance, v_has_articles;
  v_gate := case
    when v_user.is_admin then null
    when v_maintenance = 'true' then 'maintenance'
    when v_user.is_waiting then private.waiting_gate(v_user, p_payload #>> '{message,text}')
  end;
  p_reserve := p_reserve and v_gate is null;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
    if v_session.session_data ? 'conversation' then
      v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    end if;
  end if;
  if v_session.session_data ? 'paste' and p_kind in ('message', 'callback_query')
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  if p_message is not null and not v_banned then
    v_messenger := case
      when v_claim.is_new then private.record_incoming_message(v_user.id, p_bot, p_message)
      else private.messenger_state(v_user.id, p_bot)
    end;
    if p_reserve and v_messenger ->> 'handler' <> 'bot' then  -- a human took over since p_reserve was decided
      p_reserve := false;
      if v_claim.is_new and v_expected is not null then
        update public.telegram_updates as t
           set reservation = null, reserved_on = null, reserved_from = null, reserved_cost = null
         where t.bot = p_bot and t.update_id = p_update_id;
        v_claim.reservation := null;
        v_user_api_key := null;
      end if;
    end if;
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content, m.conversation_id <> coalesce((v_conversation ->> 'messages_id')::bigint, 0)
      into v_edited_question, v_is_old_edit
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     limit 1;
    v_is_old_edit := coalesce(v_is_old_edit, false) or coalesce((
      select m.message_id > v_edited
        from public.messages as m
       where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
         and m.conversation_id = coalesce((v_conversation ->> 'messages_id')::bigint, 0) and m.role = 'user'
       order by m.id desc
       limit 1
    ), false);
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_session.created_at >= v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'memory_enabled', v_user.memory_enabled,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from private.admin_accounts() as a where a.telegram_id = v_user.telegram_id
      ) end,
      'gate', v_gate,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters, coalesce((v_conversation ->> 'messages_id')::bigint, 0),
        coalesce((v_conversation ->> 'summary_until')::bigint, 0)
      )
      else '[]'::json
    end,
    'conversation', v_conversation,
    'memory', case
      when v_user.memory_enabled and p_history > 0 and p_chat_id > 0 then private.load_memory(v_user.id, p_bot)
    end,
    'articles', case
      when v_has_articles and p_reserve and not v_banned then private.find_articles(
        p_bot, coalesce(p_payload #>> array[p_kind, 'text'], p_payload #>> array[p_kind, 'caption'])
      )
    end,
    'messenger', v_messenger,
    'edited_question', v_edited_question,
    'is_old_edit', v_is_old_edit
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Records an update's calls to AI providers: a row per call, and the counters of the user and the day.
--
-- p_usage: [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in, tokens_out, tokens_cached, cost,
-- is_estimate, is_user_api_key, searches, reason}] in the order of the calls; the last one produced the answer, if any did. p_is_settled: a
-- reserved request was served. On a user API key nothing is reserved, and the status of the last call decides. A figure that
-- is not a number, is negative or exceeds its column is left out (0 where the column needs a number), because a
-- provider's report must never undo its answer. is_estimate: the provider did not report the cost; the prices of the catalogue
-- replace it where they are known (private.call_cost).
--
-- Concurrency: the caller holds the update row and calls once, in the transaction that finishes it. All updates take
--   the counters in the same order, call by call, and one update only one of the sixteen rows of a figure.
-- Locks: daily_usage, then by provider, model and is_user_api_key the row of monthly_api_usage and that of daily_totals.
-- Returns: void
-- Errors: none.
create or replace function private.record_usage(
  p_update public.telegram_updates, p_usage jsonb, p_is_settled boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_day date;
  v_shard integer := p_update.update_id & 15;
  v_last jsonb := p_usage -> -1;
  v_is_own boolean := coalesce((p_usage -> -1 ->> 'is_user_api_key')::boolean, false);
  v_call jsonb;
  v_row public.api_usage;
  v_cost numeric;
  v_is_last boolean;
  v_rows jsonb := '[]'::jsonb;
  v_count integer := jsonb_array_length(p_usage);
  v_requests integer := (p_is_settled or (v_is_own and v_last ->> 'status' in ('ok', 'part')))::integer;
begin
  if v_last is null and v_requests = 0 then
    return;
  end if;
  v_now := private.clock();
  v_day := (v_now at time zone private.setting('quota_timezone'))::date;

  if v_is_own and v_requests > 0 then
    insert into public.daily_usage as u (user_id, bot, day, user_api_key_requests)
    values (p_update.user_id, p_update.bot, v_day, 1)
    on conflict (user_id, day, bot) do update set user_api_key_requests = u.user_api_key_requests + 1;
  end if;
  if v_last is null then
    insert into public.daily_totals as t (day, bot, provider, model, is_user_api_key, shard, requests)
    values (v_day, p_update.bot, '', '', false, v_shard, v_requests)
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests;
    return;
  end if;

  for v_index in 0 .. v_count - 1 loop
    v_call := p_usage -> v_index;
    v_cost := private.usage_cost(v_call ->> 'cost');
    if (v_call ->> 'is_estimate')::boolean then
      v_cost := coalesce(
        private.call_cost(
          v_call ->> 'provider', v_call ->> 'model',
          jsonb_build_object(
            'input_tokens', private.usage_count(v_call ->> 'tokens_in'),
            'cached_tokens', coalesce(private.usage_count(v_call ->> 'tokens_cached'), 0),
            'output_tokens', private.usage_count(v_call ->> 'tokens_out')
          ) || case
            when v_call ? 'searches' then jsonb_build_object('search', private.usage_count(v_call ->> 'searches'))
            else '{}'
          end,
          '{}', v_now
        ),
        v_cost
      );
    end if;
    insert into public.api_usage (
      user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes,
      tokens_in, tokens_out, tokens_cached, cost, is_user_api_key, created_at, reason
    )
    values (
      p_update.user_id, p_update.bot, coalesce(v_call ->> 'provider', ''), coalesce(v_call ->> 'model', ''),
      case
        when v_call ->> 'kind' in ('image', 'video', 'transcription', 'speech') then v_call ->> 'kind'
        else 'chat'
      end,
      coalesce(v_call ->> 'status', ''), coalesce(private.usage_count(v_call ->> 'ms'), 0),
      coalesce(private.usage_count(v_call ->> 'request_bytes'), 0),
      coalesce(private.usage_count(v_call ->> 'response_bytes'), 0),
      private.usage_count(v_call ->> 'tokens_in'), private.usage_count(v_call ->> 'tokens_out'),
      private.usage_count(v_call ->> 'tokens_cached'), v_cost, coalesce((v_call ->> 'is_user_api_key')::boolean, false), v_now,
      left(v_call ->> 'reason', 32)
    )
    returning * into v_row;
    if v_count > 1 then
      v_rows := v_rows || to_jsonb(v_row);
    end if;
  end loop;
  if v_count > 1 then
    v_rows := (
      select jsonb_agg(r.value order by r.value ->> 'provider', r.value ->> 'model', r.value ->> 'is_user_api_key')
        from jsonb_array_elements(v_rows) as r (value)
    );
  end if;
  for v_index in 0 .. v_count - 1 loop
    if v_count > 1 then
      v_row := jsonb_populate_record(v_row, v_rows -> v_index);
    end if;
    v_is_last := (v_row.provider, v_row.model, v_row.is_user_api_key)
      = (v_last ->> 'provider', v_last ->> 'model', v_is_own);
    insert into public.monthly_api_usage as m
      (user_id, month, provider, model, is_user_api_key, calls, errors, tokens_in, tokens_out, cost, ms, day, day_cost)
    values (
      p_update.user_id, date_trunc('month', v_day::timestamp)::date, v_row.provider, v_row.model,
      v_row.is_user_api_key, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms, v_day, coalesce(v_row.cost, 0)
    )
    on conflict (user_id, month, provider, model, is_user_api_key) do update
      set calls = m.calls + excluded.calls,
          errors = m.errors + excluded.errors,
          tokens_in = m.tokens_in + excluded.tokens_in,
          tokens_out = m.tokens_out + excluded.tokens_out,
          cost = m.cost + excluded.cost,
          ms = m.ms + excluded.ms,
          day = excluded.day,
          day_cost = excluded.day_cost + case when m.day = excluded.day then m.day_cost else 0 end;
    insert into public.daily_totals as t
      (day, bot, provider, model, is_user_api_key, shard, requests, calls, errors, tokens_in, tokens_out, cost, ms)
    values (
      v_day, p_update.bot, v_row.provider, v_row.model, v_row.is_user_api_key, v_shard,
      case when v_is_last then v_requests else 0 end, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms
    )
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests,
          calls = t.calls + excluded.calls,
          errors = t.errors + excluded.errors,
          tokens_in = t.tokens_in + excluded.tokens_in,
          tokens_out = t.tokens_out + excluded.tokens_out,
          cost = t.cost + excluded.cost,
          ms = t.ms + excluded.ms;
    if v_is_last then
      v_requests := 0;  -- counted
    end if;
  end loop;
end
$$;

revoke all on function private.record_usage from public, anon, authenticated, service_role;
comment on function private.record_usage is 'Records an update''s calls to AI providers and their sums';

alter table public.lesson_questions add constraint lesson_questions_answer_check CHECK (((length(answer) >= 1) AND (length(answer) <= 3000)));

alter table public.lesson_questions add constraint lesson_questions_answered_by_fkey FOREIGN KEY (answered_by) REFERENCES public.users(id) ON DELETE SET NULL;

alter table public.lesson_questions add constraint lesson_questions_question_message_id_fkey FOREIGN KEY (question_message_id) REFERENCES public.conversation_messages(id) ON DELETE SET NULL;

CREATE INDEX lesson_questions_answered_by_idx ON public.lesson_questions USING btree (answered_by);

CREATE INDEX lesson_questions_message_idx ON public.lesson_questions USING btree (question_message_id);

CREATE INDEX lesson_questions_waiting_idx ON public.lesson_questions USING btree (id) WHERE (answered_at IS NULL);

comment on column public.api_usage.reason is 'Why, where it was no request of a user: draft_reply, summary, translation, article, qualification; null: the user''s request';

comment on column public.lesson_questions.answered_by is 'The member of the staff who answered';

comment on column public.lesson_questions.question_message_id is 'The question in the conversation with the team, where the bot has the messenger';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "assistance_daily_cost", "about": "Daily budget of the AI''s help for operators of each bot, in US dollars; a row assistance_daily_cost:<bot> sets that of one bot; 0: none", "value": 1.0}') on conflict do nothing;
