-- Takes no more rows than the limit in sweeps and claims.

-- Deletes jobs that ended long enough ago (setting retention_generations_days), at most p_limit. Their files in Storage have
-- the same retention of their own.
--
-- Concurrency: locked jobs are skipped; a repeated call deletes the next ones.
-- Locks: jobs (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   deleted: int
-- Errors: none.
create or replace function public.delete_generations(p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.generations as o
     where o.delete_at <= (select private.clock())
     order by o.delete_at
     limit p_limit
       for update skip locked
  )
  delete from public.generations as g using old where g.id = old.id;
  get diagnostics v_deleted = row_count;
  return jsonb_build_object('deleted', v_deleted);
end
$$;

revoke all on function public.delete_generations from public, anon, authenticated, service_role;
grant execute on function public.delete_generations to bot_backend;
comment on function public.delete_generations is 'Deletes jobs that ended long enough ago';

-- Claims orders whose state must be queried at their provider now (p_providers: a list of keys), and cancels pending orders
-- that expired a day ago.
--
-- Concurrency: orders that another transaction has locked are skipped. A claimed order is claimed again after a pause that
--   grows with its age: five minutes for a new one, hours after days.
-- Locks: orders (FOR UPDATE SKIP LOCKED): the expired ones by expires_at, then the claimed ones by the time of their last
--   query.
-- Returns: jsonb
--   [ { id: bigint, provider: text, reference: text } ]
-- Errors: none.
create or replace function public.claim_open_orders(p_providers jsonb, p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_orders jsonb;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with expired as (
    select e.id
      from public.orders as e
     where e.status = 'pending' and e.expires_at < v_now - interval '1 day'
     order by e.expires_at
     limit p_limit
       for update skip locked
  )
  update public.orders as o set status = 'canceled' from expired where o.id = expired.id;
  with due as (
    select o.id
      from public.orders as o
     where o.status in ('pending', 'withdrawn')
       and o.expires_at > v_now - interval '1 day'
       and o.checkout_reference is not null
       and p_providers ? o.provider
       and o.created_at < v_now - interval '5 minutes'
       and coalesce(o.checked_at, '-infinity')
         < v_now - greatest(interval '5 minutes', (v_now - o.created_at) / 6)
     order by coalesce(o.checked_at, o.created_at)
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update public.orders as o set checked_at = v_now from due where o.id = due.id
    returning o.id, o.provider, o.checkout_reference
  )
  select coalesce(
      jsonb_agg(jsonb_build_object('id', c.id, 'provider', c.provider, 'reference', c.checkout_reference)), '[]'
    )
    into v_orders
    from claimed as c;
  return v_orders;
end
$$;

revoke all on function public.claim_open_orders from public, anon, authenticated, service_role;
grant execute on function public.claim_open_orders to bot_backend;
comment on function public.claim_open_orders is 'Claims orders whose state must be queried at their provider';

-- Deletes rounds of quiz polls that ended before the setting retention_quizzes_days, with their polls and the answers to them.
-- XP of the answers stays.
--
-- Concurrency: rows that another sweep or an answer has locked are skipped.
-- Locks: rounds (FOR UPDATE SKIP LOCKED), by summarized_at, then their polls and answers.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_quiz_rounds(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant timestamptz := private.clock() - make_interval(days => private.setting('retention_quizzes_days')::integer);
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.quiz_rounds as o
     where o.summarized_at < v_before
     order by o.summarized_at
     limit p_limit
       for update skip locked
  )
  delete from public.quiz_rounds as r using old where r.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_quiz_rounds from public, anon, authenticated, service_role;
comment on function private.delete_old_quiz_rounds is 'Deletes rounds of quiz polls past their retention';

-- Deletes quizzes that began before the setting retention_quizzes_days, with their answers. What they were counted in stays:
-- quiz_totals, quiz_topics, quiz_days, quiz_cards and XP.
--
-- Concurrency: rows that another sweep or an answer has locked are skipped.
-- Locks: quizzes (FOR UPDATE SKIP LOCKED), by created_at, then their answers.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_quiz_runs(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant timestamptz := private.clock() - make_interval(days => private.setting('retention_quizzes_days')::integer);
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.quiz_runs as o
     where o.created_at < v_before
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.quiz_runs as r using old where r.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_quiz_runs from public, anon, authenticated, service_role;
comment on function private.delete_old_quiz_runs is 'Deletes quizzes past their retention';

-- Deletes up to p_limit rows of files whose retention has ended, and of uploads that were not completed within a day. Their
-- objects enter the queue of deletions.
--
-- Concurrency: files that another call has locked are skipped.
-- Locks: files (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many.
-- Errors: none.
create or replace function public.expire_files(p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select e.id
      from public.stored_files as e
     where e.delete_after <= v_now or (e.status = 'uploading' and e.created_at <= v_now - interval '1 day')
     limit p_limit
       for update skip locked
  )
  delete from public.stored_files as f using old where f.id = old.id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function public.expire_files from public, anon, authenticated, service_role;
grant execute on function public.expire_files to bot_backend;
comment on function public.expire_files is 'Deletes files whose retention has ended';

-- Deletes messages of conversations that are older than the setting retention_messages_days.
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: messages (FOR UPDATE SKIP LOCKED), by created_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_messages(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.messages as o
     where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.messages as m using old where m.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_messages from public, anon, authenticated, service_role;
comment on function private.delete_old_messages is 'Deletes messages past their retention';

-- Deletes updates that are older than the setting retention_updates_hours, dead letters after retention_dead_letters_days.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: update rows (FOR UPDATE SKIP LOCKED), by received_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_updates(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.bot, o.update_id
      from public.telegram_updates as o
     where o.received_at < v_now - make_interval(hours => private.setting('retention_updates_hours')::integer)
       and (
         o.status <> 'dead_lettered'
         or o.received_at < v_now - make_interval(days => private.setting('retention_dead_letters_days')::integer)
       )
     order by o.received_at
     limit p_limit
       for update skip locked
  )
  delete from public.telegram_updates as t using old where t.bot = old.bot and t.update_id = old.update_id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_updates from public, anon, authenticated, service_role;
comment on function private.delete_old_updates is 'Deletes updates past their retention';

-- Deletes the scores and the histogram of days and weeks that began more than 14 days ago, after folding what waits.
--
-- Concurrency: rows that another transaction has locked are skipped. The histogram is only touched under the advisory lock of
--   private.fold_board_changes.
-- Locks: advisory lock of the boards (tried), board_scores (FOR UPDATE SKIP LOCKED), board_histogram.
-- Returns: integer, how many scores; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_boards(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant date := (private.clock() at time zone private.setting('quota_timezone'))::date - 14;
  v_count integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.user_id, o.board, o.period, o.starts_on
      from public.board_scores as o
     where o.period <> 'all' and o.starts_on < v_before
     order by o.starts_on
     limit p_limit
       for update skip locked
  )
  delete from public.board_scores as s using old where s.user_id = old.user_id and s.board = old.board and s.period = old.period and s.starts_on = old.starts_on;
  get diagnostics v_count = row_count;
  perform private.fold_board_changes();
  if v_count < p_limit and pg_try_advisory_xact_lock(hashtextextended('board_changes', 0)) then
    delete from public.board_histogram as h
     where (h.board, h.period, h.starts_on, h.lvl, h.k) in (
       select o.board, o.period, o.starts_on, o.lvl, o.k
         from public.board_histogram as o
        where o.period <> 'all' and o.starts_on < v_before
        order by o.starts_on
        limit p_limit
     );
  end if;
  return v_count;
end
$$;

revoke all on function private.delete_old_boards from public, anon, authenticated, service_role;
comment on function private.delete_old_boards is 'Deletes the boards of past days and weeks';
