-- Course credits once.

-- Returns the quiz of a lesson as a learner sees it: without the right answers and explanations, until the learner has passed or
-- has no attempt left.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     version: int
--     pass_percent: int
--     attempts_left: int | null                (null: no limit)
--     is_passed: boolean
--     best_right: int | null                   (null: no attempt yet)
--     questions: [ {
--       texts: { [text]: { question: text, options: [ text ], explanation?: text } }
--       is_multiple: boolean                   (several options are right)
--       correct?: [ int ]
--     } ]
--   } | null               (the lesson has none)
-- Errors: none.
create or replace function private.quiz_state(p_user_id bigint, p_lesson public.lessons)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempts integer;
  v_best integer;
  v_is_passed boolean;
  v_left integer;
  v_is_open boolean;
begin
  if p_lesson.quiz is null then
    return null;
  end if;
  select count(*), max(a.right_answers), coalesce(bool_or(a.is_passed), false) into v_attempts, v_best, v_is_passed
    from public.lesson_quiz_attempts as a
   where a.user_id = p_user_id and a.lesson_id = p_lesson.id;
  -- Without a limit null: greatest() would make it 0, which shows the answers.
  v_left := case when p_lesson.quiz ->> 'attempts' is not null then greatest((p_lesson.quiz ->> 'attempts')::integer - v_attempts, 0) end;
  v_is_open := v_is_passed or coalesce(v_left = 0, false);
  return jsonb_build_object(
    'version', p_lesson.version,
    'pass_percent', coalesce((p_lesson.quiz ->> 'pass_percent')::integer, 80),
    'attempts_left', v_left,
    'is_passed', v_is_passed,
    'best_right', v_best,
    'questions', (
      select jsonb_agg(
          jsonb_build_object(
            'texts', (
              select jsonb_object_agg(t.key, case when v_is_open then t.value else t.value - 'explanation' end)
                from jsonb_each(q.value -> 'texts') as t
            ),
            'is_multiple', jsonb_array_length(q.value -> 'correct') > 1
          ) || case when v_is_open then jsonb_build_object('correct', q.value -> 'correct') else '{}' end
          order by q.n
        )
        from jsonb_array_elements(p_lesson.quiz -> 'questions') with ordinality as q (value, n)
    )
  );
end
$$;

revoke all on function private.quiz_state from public, anon, authenticated, service_role;
comment on function private.quiz_state is 'The quiz of a lesson as a learner sees it';

-- Returns whether a grant has lowered the price of an upgrade to p_tier or a higher tier already. It counts again once that upgrade
-- is refunded.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_credit_used(p_user_id bigint, p_course_id bigint, p_tier text, p_grant_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.enrollments as e
      join public.enrollment_grants as g on g.enrollment_id = e.id
     where e.user_id = p_user_id
       and e.course_id = p_course_id
       and private.tier_rank(e.tier) >= private.tier_rank(p_tier)
       and p_grant_id = any(g.credited)
       and private.is_live_grant(g)
  );
$$;

revoke all on function private.is_credit_used from public, anon, authenticated, service_role;
comment on function private.is_credit_used is 'Whether a grant has lowered the price of an upgrade already';

-- Returns whether the purchases that make an upgrade of a course cheaper no longer pay for it: they were refunded meanwhile, also in
-- part, or have lowered the price of another upgrade to the same tier or a higher one. The order can then not be paid.
-- p_terms: orders.course_terms.
--
-- Concurrency: read-only. private.claim_payment serializes payments of one user's upgrades, so of two orders with the same credit
--   the second payment finds the grant of the first.
-- Locks: none.
-- Returns: boolean; false for an order that is no upgrade.
-- Errors: none.
create or replace function private.is_credit_gone(p_terms jsonb)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((p_terms ->> 'credit')::numeric > 0, false)
    and (p_terms ->> 'credit')::numeric > (
      select coalesce(sum(g.amount - coalesce(p.refunded + p.disputed, 0)), 0)
        from public.enrollment_grants as g
        join public.enrollments as e on e.id = g.enrollment_id
        left join public.payments as p on p.id = g.payment_id
       where g.withdrawn_at is null
         and g.id in (select c.value::bigint from jsonb_array_elements_text(p_terms -> 'credited') as c)
         and not private.is_credit_used(e.user_id, e.course_id, p_terms ->> 'tier', g.id)
    );
$$;

revoke all on function private.is_credit_gone from public, anon, authenticated, service_role;
comment on function private.is_credit_gone is 'Whether purchases that make an upgrade cheaper were refunded or used';

-- Returns what a learner has paid for lower tiers of a course, less refunds: what an upgrade to p_tier costs less. Only payments
-- in the same currency count, only tiers that the learner still has, and each once for a tier.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (credited, amount), the grants and their sum; empty and 0 without any.
-- Errors: none.
create or replace function private.course_credits(
  p_user_id bigint, p_course_id bigint, p_tier text, p_currency text, out credited bigint[], out amount numeric
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(n.id order by n.id), '{}'), coalesce(sum(n.net), 0)
    from (
      select g.id, g.amount - coalesce(p.refunded + p.disputed, 0) as net
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
        left join public.payments as p on p.id = g.payment_id
       where e.user_id = p_user_id
         and e.course_id = p_course_id
         and e.withdrawn_at is null
         and coalesce(e.expires_at > (select private.clock()), true)
         and private.tier_rank(e.tier) < private.tier_rank(p_tier)
         and g.currency = p_currency
         and private.is_live_grant(g)
         and not private.is_credit_used(e.user_id, e.course_id, p_tier, g.id)
    ) as n
   where n.net > 0;
$$;

revoke all on function private.course_credits from public, anon, authenticated, service_role;
comment on function private.course_credits is 'What a learner has paid for lower tiers of a course';

-- Returns whether JSON is the files of a lesson (lessons.files): at most 100, each with a name, a reference, and perhaps its size.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_file_list(p_files jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_file jsonb;
begin
  if jsonb_typeof(p_files) is distinct from 'array' or jsonb_array_length(p_files) > 100 then
    return false;
  end if;
  for v_file in select f.value from jsonb_array_elements(p_files) as f (value) loop
    if jsonb_typeof(v_file) <> 'object'
      or jsonb_typeof(v_file -> 'name') is distinct from 'string' or v_file ->> 'name' !~ '[^[:space:]]'
      or jsonb_typeof(v_file -> 'reference') is distinct from 'string' or v_file ->> 'reference' = ''
      or (v_file ? 'size' and (jsonb_typeof(v_file -> 'size') <> 'number' or v_file ->> 'size' !~ '^[0-9]{1,12}$'))
    then
      return false;
    end if;
  end loop;
  return true;
end
$$;

revoke all on function private.is_file_list from public, anon, authenticated, service_role;
comment on function private.is_file_list is 'Whether JSON is the files of a lesson';

-- Returns whether JSON is the quiz of a lesson (lessons.quiz): 1 to 100 questions, each with a question and 2 to 20 options in every
-- language that it has, the same number in each, and at least one right option that exists.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_quiz(p_quiz jsonb)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
      when jsonb_typeof(p_quiz -> 'questions') is distinct from 'array' then false
      when jsonb_array_length(p_quiz -> 'questions') not between 1 and 100 then false
      when coalesce(p_quiz ->> 'pass_percent', '80') !~ '^([1-9][0-9]?|100)$' then false
      when coalesce(p_quiz ->> 'attempts', '1') !~ '^[1-9][0-9]{0,2}$' then false
      else (
        select bool_and(
            case
              when jsonb_typeof(q.value -> 'texts') is distinct from 'object' or q.value -> 'texts' = '{}' then false
              when jsonb_typeof(q.value -> 'correct') is distinct from 'array' then false
              else (
                select bool_and(
                    coalesce(jsonb_typeof(t.value -> 'question') = 'string' and t.value ->> 'question' <> '', false)
                    and coalesce(jsonb_typeof(t.value -> 'explanation'), 'string') = 'string'
                    and not jsonb_path_exists(t.value, 'lax $.options[*] ? (@.type() != "string" || @ == "")')
                    and coalesce(jsonb_typeof(t.value -> 'options') = 'array', false)
                    and jsonb_path_exists(
                      t.value,
                      'lax $ ? ($.options.size() >= 2 && $.options.size() <= 20 && $.options.size() == $n)',
                      jsonb_build_object('n', jsonb_array_length(jsonb_path_query_first(q.value, 'lax $.texts.*.options')))
                    )
                    and not jsonb_path_exists(
                      q.value,
                      'lax $.correct[*] ? (@.type() != "number" || @ < 0 || @ >= $n || @.floor() != @)',
                      jsonb_build_object('n', jsonb_array_length(jsonb_path_query_first(q.value, 'lax $.texts.*.options')))
                    )
                    and jsonb_array_length(q.value -> 'correct') >= 1
                  )
                  from jsonb_each(q.value -> 'texts') as t
              )
            end
          )
          from jsonb_array_elements(p_quiz -> 'questions') as q (value)
      )
    end;
$$;

revoke all on function private.is_quiz from public, anon, authenticated, service_role;
comment on function private.is_quiz is 'Whether JSON is the quiz of a lesson';

-- Returns a lesson in the list of its course, without its content.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   slug: text
--   titles: { [text]: text }                   (by language)
--   tier: 'basic' | 'accelerator' | 'vip'
--   is_published: boolean
--   is_preview: boolean
--   is_required: boolean
--   duration_seconds: int | null
--   state: 'open' | 'scheduled' | 'upgrade' | 'no_access'
--   opens_at: timestamptz | null               (scheduled: when; null: without an enrollment nothing is scheduled)
--   completion: 'watched' | 'quiz' | 'button' | 'opened'   (what completes it)
--   watch_percent: int                         (watched: how much of the video)
--   has_quiz: boolean
--   has_homework: boolean
--   completed_at: timestamptz | null
--   watched_percent: int | null                (null: the lesson has no duration)
-- Errors: none.
create or replace function private.lesson_card(
  p_lesson public.lessons, p_progress public.lesson_progress, p_state text, p_opens_at timestamptz
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'id', p_lesson.id,
    'slug', p_lesson.slug,
    'titles', private.text_titles(p_lesson.texts),
    'tier', p_lesson.tier,
    'is_published', p_lesson.is_published,
    'is_preview', p_lesson.is_preview,
    'is_required', p_lesson.is_required,
    'duration_seconds', p_lesson.duration_seconds,
    'state', p_state,
    'opens_at', p_opens_at,
    'completion', p_lesson.completion,
    'watch_percent', p_lesson.watch_percent,
    'has_quiz', p_lesson.quiz is not null,
    'has_homework', p_lesson.homework is not null,
    'completed_at', p_progress.completed_at,
    'watched_percent', case
      when p_lesson.duration_seconds is not null
        then least(coalesce(p_progress.watched_seconds, 0) * 100 / p_lesson.duration_seconds, 100)
    end
  );
end
$$;

revoke all on function private.lesson_card from public, anon, authenticated, service_role;
comment on function private.lesson_card is 'A lesson in the list of its course';

-- Returns what a learner sees after a step in a lesson. p_settled: of private.settle_lesson.
--
-- Concurrency: read-only; the caller holds the progress.
-- Locks: none.
-- Returns: jsonb
--   position_seconds: int
--   watched_seconds: int
--   watched_percent: int | null                (null: the lesson has no duration)
--   time_spent_seconds: int
--   ...private.settle_lesson
--   next: { slug: text, state: 'open' | 'scheduled' | 'upgrade' | 'no_access', opens_at: timestamptz | null } | null
--                                              (the next lesson; null: this is the last one)
-- Errors: none.
create or replace function private.lesson_result(p_user_id bigint, p_lesson public.lessons, p_settled jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_progress public.lesson_progress;
  v_next jsonb;
begin
  select p.* into v_progress
    from public.lesson_progress as p
   where p.user_id = p_user_id and p.lesson_id = p_lesson.id;
  select jsonb_build_object('slug', l.slug, 'state', s.state, 'opens_at', s.opens_at) into v_next
    from public.courses as c
    join public.lessons as l on l.course_id = c.id and (l.position, l.id) > (p_lesson.position, p_lesson.id)
    cross join lateral private.lesson_states(p_user_id, c, l.id) as s
   where c.id = p_lesson.course_id
   order by l.position, l.id
   limit 1;
  return jsonb_build_object(
    'position_seconds', coalesce(v_progress.position_seconds, 0),
    'watched_seconds', coalesce(v_progress.watched_seconds, 0),
    'watched_percent', case
      when p_lesson.duration_seconds is not null
        then least(coalesce(v_progress.watched_seconds, 0) * 100 / p_lesson.duration_seconds, 100)
    end,
    'time_spent_seconds', coalesce(v_progress.time_spent_seconds, 0),
    'next', v_next
  ) || p_settled;
end
$$;

revoke all on function private.lesson_result from public, anon, authenticated, service_role;
comment on function private.lesson_result is 'What a learner sees after a step in a lesson';

-- Creates a lesson of a course (p_version null) or changes it. p_values: the columns that change, as JSON. p_version: the version
-- that the editor has read; if it was changed since, nothing is saved.
--
-- Concurrency: the course is locked, so of two editors with one version the second gets changed.
-- Locks: course, lesson.
-- Returns: jsonb
--   outcome: 'created' | 'saved'
--     | 'unchanged'        (it has these values)
--     | 'changed'          (its version is another one)
--     | 'exists'           (p_version is null, and there is a lesson with this slug)
--     | 'none'             (no such course or lesson)
--   id?: bigint
--   version?: int          (as it is now)
-- Errors: W0003 a value is invalid.
create or replace function private.save_lesson(p_course_slug text, p_slug text, p_values jsonb, p_version integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course_id bigint;
  v_lesson public.lessons;
  v_new public.lessons;
  v_outcome text;
begin
  if jsonb_typeof(p_values) is distinct from 'object' or exists (
    select
      from jsonb_object_keys(p_values) as k (key)
     where k.key not in (
       'slug', 'position', 'is_published', 'tier', 'is_preview', 'is_required', 'texts', 'duration_seconds', 'video', 'files',
       'quiz', 'homework', 'homework_tier', 'completion', 'watch_percent', 'release', 'release_days', 'release_at'
     )
  ) then
    raise exception 'a value of the lesson is invalid: unknown column' using errcode = 'W0003';
  elsif coalesce(jsonb_typeof(p_values -> 'quiz'), 'null') <> 'null' and not coalesce(private.is_quiz(p_values -> 'quiz'), false) then
    raise exception 'a value of the lesson is invalid: quiz' using errcode = 'W0003';
  elsif p_values ? 'files' and not private.is_file_list(p_values -> 'files') then
    raise exception 'a value of the lesson is invalid: files' using errcode = 'W0003';
  end if;
  select c.id into v_course_id from public.courses as c where c.slug = p_course_slug for no key update;
  select l.* into v_lesson
    from public.lessons as l
   where l.course_id = v_course_id and l.slug = p_slug
     for no key update;
  v_outcome := case
    when v_course_id is null then 'none'
    when v_lesson.id is null and p_version is null then 'created'
    when v_lesson.id is null then 'none'
    when p_version is null then 'exists'
    when v_lesson.version <> p_version then 'changed'
    else 'saved'
  end;
  if v_outcome in ('created', 'saved') then
    if v_outcome = 'created' then
      v_lesson.slug := p_slug;
      v_lesson.position := coalesce(
        (select max(l.position) + 10 from public.lessons as l where l.course_id = v_course_id), 10
      );
      v_lesson.is_published := true;
      v_lesson.tier := 'basic';
      v_lesson.is_preview := false;
      v_lesson.is_required := true;
      v_lesson.files := '[]';
      v_lesson.homework_tier := 'basic';
      v_lesson.completion := 'button';
      v_lesson.watch_percent := 80;
      v_lesson.release := 'at_once';
    end if;
    v_new := jsonb_populate_record(v_lesson, p_values);
    -- JSON's null is none.
    v_new.video := nullif(v_new.video, 'null');
    v_new.quiz := nullif(v_new.quiz, 'null');
    v_new.homework := nullif(v_new.homework, 'null');
    -- A date that programs cannot read would break the pages of the lesson.
    if v_new.release_at not between '2000-01-01' and '2200-01-01' then
      raise exception 'a value of the lesson is invalid: release_at' using errcode = 'W0003';
    end if;
    if v_outcome = 'created' then
      insert into public.lessons as l (
        course_id, slug, position, is_published, tier, is_preview, is_required, texts, duration_seconds, video, files, quiz,
        homework, homework_tier, completion, watch_percent, release, release_days, release_at
      )
      values (
        v_course_id, v_new.slug, v_new.position, v_new.is_published, v_new.tier, v_new.is_preview, v_new.is_required,
        v_new.texts, v_new.duration_seconds, v_new.video, v_new.files, v_new.quiz, v_new.homework, v_new.homework_tier,
        v_new.completion, v_new.watch_percent, v_new.release, v_new.release_days, v_new.release_at
      )
      returning l.* into v_lesson;
    elsif v_new is not distinct from v_lesson then
      v_outcome := 'unchanged';
    else
      update public.lessons as l
         set slug = v_new.slug,
             position = v_new.position,
             is_published = v_new.is_published,
             tier = v_new.tier,
             is_preview = v_new.is_preview,
             is_required = v_new.is_required,
             texts = v_new.texts,
             duration_seconds = v_new.duration_seconds,
             video = v_new.video,
             files = v_new.files,
             quiz = v_new.quiz,
             homework = v_new.homework,
             homework_tier = v_new.homework_tier,
             completion = v_new.completion,
             watch_percent = v_new.watch_percent,
             release = v_new.release,
             release_days = v_new.release_days,
             release_at = v_new.release_at,
             version = l.version + 1,
             updated_at = private.clock()
       where l.id = v_lesson.id
      returning l.* into v_lesson;
    end if;
  end if;
  return jsonb_strip_nulls(
    jsonb_build_object('outcome', v_outcome, 'id', v_lesson.id, 'version', v_lesson.version)
  );
exception
  when check_violation or not_null_violation or foreign_key_violation or unique_violation or data_exception then
    raise exception 'a value of the lesson is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function private.save_lesson from public, anon, authenticated, service_role;
comment on function private.save_lesson is 'Creates or changes a lesson';

-- Matches a payment to our order, or to a period of a renewal (or both: an order that we made for a period), and checks that it
-- pays what was agreed; otherwise sets the problem that holds it for review.
--
-- An order must be paid with its own amount and currency. A period of a subscription that the provider renews by itself may
-- cost anything that the provider calls paid, because credit, coupons, proration and tax change the charge. This does not hold
-- if the buyer may have set the terms (has_buyer_terms: CloudPayments, where the browser can begin a subscription, and a
-- payment by a link of Prodamus): a lower amount than agreed, or another currency, is held.
--
-- Concurrency: the caller holds the payment's lock. The order's lock makes the second of two charges for one order a
--   second_charge. Payments of one user's renewals are serialized by an advisory lock, taken before any renewal or user is
--   locked, because a renewal that begins replaces the others (private.replace_renewals); so are those of one user's upgrades of
--   courses, because a purchase lowers the price of one of them. Nothing has been fulfilled yet.
-- Locks: payment (held by the caller), order, an advisory lock of the user's upgrades or renewals, renewal.
-- Returns: public.payments, the row with its order or renewal, its user and its problem (null: it may be fulfilled).
-- Errors: none.
create or replace function private.claim_payment(p_payment public.payments, p_accept_test boolean)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments := p_payment;
  v_order public.orders;
  v_renewal public.renewals;
  v_has_other boolean;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_payment.claims ->> 'order_id')::bigint and o.provider = p_payment.provider
     for update;
  if (v_order.course_terms ->> 'credit')::numeric > 0 then
    perform pg_advisory_xact_lock(hashtextextended(format('upgrades of %s', v_order.user_id), 0));
  end if;
  if v_order.renews or p_payment.claims ? 'subscription_id' then
    perform pg_advisory_xact_lock(
      hashtextextended(
        'renewals:' || coalesce(
          v_order.user_id,
          (
            select r.user_id
              from public.renewals as r
             where r.provider = p_payment.provider
               and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
          ),
          0
        ),
        0
      )
    );
  end if;
  select r.* into v_renewal
    from public.renewals as r
   where r.id = v_order.renewal_id
      or (
        r.provider = p_payment.provider
        and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
      )
     for update;
  v_has_other := exists (
    select from public.payments as p
     where p.order_id = v_order.id and p.id <> p_payment.id and p.problem is null and p.amount is not null
  );
  if v_renewal.id is not null and v_order.renewal_id is null and (v_order.id is null or v_has_other) then
    v_order := null;  -- a later period
  else
    v_renewal := null;
  end if;
  update public.payments as p
     set order_id = v_order.id,
         renewal_id = coalesce(v_order.renewal_id, v_renewal.id),
         user_id = coalesce(v_order.user_id, v_renewal.user_id),
         problem = private.payment_problem(p, v_order, v_renewal, v_has_other, p_accept_test)
   where p.id = p_payment.id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.claim_payment from public, anon, authenticated, service_role;
comment on function private.claim_payment is 'Matches a payment to its order or renewal and checks it';
