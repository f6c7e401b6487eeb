-- Boards.

-- Trigger of users: takes a user off the boards with a ban or when they become an admin, and puts them back after it.
--
-- Concurrency: see private.refresh_board_scores; the user's row is locked by its update.
-- Locks: the user's rows of board_scores.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.refresh_boards_of_user()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.refresh_board_scores(new.id);
  return null;
end
$$;

revoke all on function private.refresh_boards_of_user from public, anon, authenticated, service_role;
comment on function private.refresh_boards_of_user is 'Takes a user off the boards or puts them back';

-- Changes of boards that board_histogram does not hold yet (private.fold_board_changes): one ranked user moved from old_xp to
-- new_xp, 0 being none. Awards only add rows, so awards of different users never wait for each other.

create table public.board_changes (
  id bigint generated always as identity primary key,
  board text not null,
  period text not null,
  starts_on date not null,
  old_xp bigint not null,
  new_xp bigint not null
);

create index board_changes_board_idx on public.board_changes (board, period, starts_on);

comment on table public.board_changes is 'Changes of boards that board_histogram does not hold yet';
alter table public.board_changes enable row level security;
revoke all on table public.board_changes from public, anon, authenticated, service_role;
revoke all on sequence public.board_changes_id_seq from public, anon, authenticated, service_role;

-- How many ranked users have how many XP, in four levels of detail: n users have xp >> (6 * lvl) = k. A rank sums at most
-- 63 rows of each of the three lower levels, and all above of the highest.

create table public.board_histogram (
  board text not null,
  period text not null,
  starts_on date not null,
  -- squawk-ignore prefer-bigint-over-smallint
  lvl smallint not null check (lvl between 0 and 3),
  k bigint not null,
  n bigint not null,
  primary key (board, period, starts_on, lvl, k)
);

-- The sweep deletes past days and weeks.
create index board_histogram_past_idx on public.board_histogram (starts_on) where period <> 'all';

comment on table public.board_histogram is 'How many ranked users have how many XP; with board_changes exact';
alter table public.board_histogram enable row level security;
revoke all on table public.board_histogram from public, anon, authenticated, service_role;

-- How users appear on boards. A user without a row is shown by a number (private.board_number).

create table public.board_profiles (
  user_id bigint primary key references public.users (id) on delete cascade,
  name text check (length(name) between 1 and 32),
  is_hidden boolean not null default false
);

comment on table public.board_profiles is 'How users appear on boards';
comment on column public.board_profiles.name is 'Name that the user chose to show; null: a number instead';
comment on column public.board_profiles.is_hidden is 'True: not in lists; the user still has a rank, and counts';
alter table public.board_profiles enable row level security;
revoke all on table public.board_profiles from public, anon, authenticated, service_role;

-- XP of users on each board: all bots or one, and all time, a day or a week.

create table public.board_scores (
  user_id bigint not null references public.users (id) on delete cascade,
  board text not null,
  period text not null check (period in ('all', 'day', 'week')),
  starts_on date not null,
  xp bigint not null check (xp >= 0),
  reached_at timestamptz not null,
  is_ranked boolean not null,
  is_listed boolean not null check (is_ranked or not is_listed),
  primary key (user_id, board, period, starts_on)
);

-- Lists in the order of places. Negative, so that all columns ascend and a row comparison finds neighbours.
create index board_scores_places_idx on public.board_scores (board, period, starts_on, (-xp), reached_at, user_id)
where is_listed and xp > 0;
-- The sweep deletes past days and weeks.
create index board_scores_past_idx on public.board_scores (starts_on) where period <> 'all';

comment on table public.board_scores is 'XP of users on each board';
comment on column public.board_scores.board is 'A bot; empty: all bots together';
comment on column public.board_scores.starts_on is 'The day, or the Monday of the week, in the time zone of the setting quota_timezone; all time: 1970-01-01';
comment on column public.board_scores.reached_at is 'Time of the last change: of equal XP the first to reach them comes first';
comment on column public.board_scores.is_ranked is 'Whether the user has a place: neither banned nor an admin';
comment on column public.board_scores.is_listed is 'Whether others see the user: ranked and not hidden';
alter table public.board_scores enable row level security;
revoke all on table public.board_scores from public, anon, authenticated, service_role;

-- Collects what is stored about a user's XP, badges, streak and places on boards. Of the awards it holds the newest 10,000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.xp_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'awards', (
      select coalesce(jsonb_agg(to_jsonb(a.award) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
        from (
          select x as award, x.id from public.xp_awards as x where x.user_id = p_user_id order by x.id desc limit 10000
        ) as a
    ),
    'badges', (
      select coalesce(jsonb_agg(to_jsonb(b) - 'user_id' order by b.earned_at, b.badge, b.bot), '[]'::jsonb)
        from public.user_badges as b
       where b.user_id = p_user_id
    ),
    'scores', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.board, s.period, s.starts_on), '[]'::jsonb)
        from public.board_scores as s
       where s.user_id = p_user_id
    ),
    'profile', (select to_jsonb(p) - 'user_id' from public.board_profiles as p where p.user_id = p_user_id)
  );
$$;

revoke all on function private.xp_section from public, anon, authenticated, service_role;
comment on function private.xp_section is 'Collects what is stored about a user''s XP, badges, streak and boards';

-- Erases the user of an update, as the last change of this update. What accounting needs stays without the user:
-- orders and payments, the ledger, whose remaining balance is booked out first, and the audit log of admins. Users
-- whom they referred, or who referred them, keep their credits.
--
-- p_erasure {hash, balance}: the key of the tombstone in erased_users, and the balance that the user agreed to lose.
-- The update keeps its answer without the chat id, and its outbox items until they are delivered.
--
-- Concurrency: the caller holds the update row and has locked the user exclusively (private.lock_user): every other
--   change of the user's data is committed, or will find no user. Update rows of the user that are locked right now
--   are skipped; their workers anonymize them when they try to lock the user.
-- Locks: as private.anonymize_payment_data and private.save_tombstone, waiting alarms, update row, the user's other
--   update rows (FOR UPDATE SKIP LOCKED), outbox items, audit log, scores on boards, calls to AI providers, referrals, user.
-- Returns: void
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function private.erase_user(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is higher than the user agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference does not identify the user.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.anonymize_payment_data(v_user);
  perform private.save_tombstone(v_user, p_erasure ->> 'hash');

  -- An error message may quote the user's text.
  update private.waiting_alarms as w
     set values = w.values || '{"error": "—"}'
   where w.key = 'owner_alert'
     and exists (
       select
         from public.telegram_updates as t
        where t.bot = w.values ->> 'bot'
          and t.update_id = (w.values ->> 'update_id')::bigint
          and t.user_id = v_user.id
     );
  update public.telegram_updates as t
     set chat_id = null, thread_id = 0, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.anonymize_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  delete from private.waiting_alarms as w where w.values ->> 'user' = v_user.telegram_id::text;
  -- Bodies that could not be parsed have no user_id: search them for the Telegram id.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'invalid' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - 'reason', after = l.after - 'reason'
   where l.user_id = v_user.id;
  perform private.leave_boards(v_user.id);
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  -- Foreign keys delete the remaining rows or set their user_id to null.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_user from public, anon, authenticated, service_role;
comment on function private.erase_user is 'Erases the user of an update';

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time, and deletes the boards of past days and weeks. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards)
-- Errors: none.
create or replace function public.sweep(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'released', private.release_stale_requests(p_limit),
    'updates', private.delete_old_updates(p_limit),
    'messages', private.delete_old_messages(p_limit),
    'erased', private.expire_tombstones(p_limit),
    'subscriptions', private.expire_subscriptions(p_limit),
    'months', private.maintain_usage_partitions(),
    'alarms', private.enqueue_waiting_alarms(p_limit),
    'boards', private.delete_old_boards(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

-- Returns one line of a board.
--
-- Concurrency: read-only; see private.board_rank.
-- Locks: none.
-- Returns: jsonb
--   rank: bigint           (users with equal XP share a rank: 1, 2, 2, 4)
--   name: text | null      (null: the user chose none; show number)
--   number: int
--   xp: bigint
--   level: int
-- Errors: none.
create or replace function private.board_entry(p_score public.board_scores)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
    'rank', private.board_rank(p_score.board, p_score.period, p_score.starts_on, p_score.xp),
    'name', p.name,
    'number', private.board_number(u.id),
    'xp', p_score.xp,
    'level', u.level
  )
  from public.users as u
  left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_score.user_id
  );
end
$$;

revoke all on function private.board_entry from public, anon, authenticated, service_role;
comment on function private.board_entry is 'Returns one line of a board';

-- Returns the number by which a user without a display name is shown on boards: five digits that do not tell users.id. Two
-- users may have the same.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, 10000 to 99999, always the same for a user.
-- Errors: none.
create or replace function private.board_number(p_user_id bigint)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select 10000 + mod(abs(hashtextextended(p_user_id::text, 4821) / 2), 90000)::integer;
$$;

revoke all on function private.board_number from public, anon, authenticated, service_role;
comment on function private.board_number is 'Returns the number by which a user is shown on boards';

-- Returns the place of a number of XP on a board: 1 + how many ranked users have more. Exact, and as fast with a million
-- users as with a thousand.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.board_rank(p_board text, p_period text, p_starts_on date, p_xp bigint)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- One query a level: joined in one, the planner may read the whole histogram.
  select 1
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 0 and h.k between p_xp + 1 and p_xp | 63
    )::bigint
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 1 and h.k between (p_xp >> 6) + 1 and (p_xp >> 6) | 63
    )::bigint
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 2 and h.k between (p_xp >> 12) + 1 and (p_xp >> 12) | 63
    )::bigint
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 3 and h.k between (p_xp >> 18) + 1 and 9223372036854775807
    )::bigint
    + (
      select coalesce(sum((c.new_xp > p_xp)::integer - (c.old_xp > p_xp)::integer), 0)
        from public.board_changes as c
       where c.board = p_board and c.period = p_period and c.starts_on = p_starts_on
    );
$$;

revoke all on function private.board_rank from public, anon, authenticated, service_role;
comment on function private.board_rank is 'Returns the place of a number of XP on a board';

-- Counts the users who have a place on a board, hidden ones included.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.board_total(p_board text, p_period text, p_starts_on date)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select private.board_rank(p_board, p_period, p_starts_on, 0) - 1;
$$;

revoke all on function private.board_total from public, anon, authenticated, service_role;
comment on function private.board_total is 'Counts the users who have a place on a board';

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
  delete from public.board_scores as s
   using (
     select o.user_id, o.board, o.period, o.starts_on
       from public.board_scores as o
      where o.period <> 'all' and o.starts_on < v_before
      order by o.starts_on
      limit p_limit
        for update skip locked
   ) as old
   where s.user_id = old.user_id and s.board = old.board and s.period = old.period and s.starts_on = old.starts_on;
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

-- Adds up to p_limit committed changes of boards to board_histogram and deletes them. Every fiftieth award does so, and the
-- sweep.
--
-- Concurrency: an advisory lock that is only tried lets one transaction at a time fold; no one waits for it. A reader sees a
--   change either in board_changes or in board_histogram, because both are written in one statement.
-- Locks: advisory lock of the boards (tried), board_changes, board_histogram.
-- Returns: integer, how many changes; 0 while another transaction folds.
-- Errors: none.
create or replace function private.fold_board_changes(p_limit integer default 5000)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('board_changes', 0)) then
    return 0;
  end if;
  with gone as (
    delete from public.board_changes as c
     where c.id in (select o.id from public.board_changes as o order by o.id limit p_limit)
    returning c.*
  ), sums as (
    select g.board, g.period, g.starts_on, l.lvl, x.xp >> (6 * l.lvl) as k, sum(x.count) as n
      from gone as g
     cross join lateral (values (g.old_xp, -1), (g.new_xp, 1)) as x (xp, count)
     cross join generate_series(0, 3) as l (lvl)
     where x.xp > 0
     group by g.board, g.period, g.starts_on, l.lvl, x.xp >> (6 * l.lvl)
    having sum(x.count) <> 0
  ), stored as (
    insert into public.board_histogram as h (board, period, starts_on, lvl, k, n)
    select s.board, s.period, s.starts_on, s.lvl, s.k, s.n from sums as s
    on conflict (board, period, starts_on, lvl, k) do update set n = h.n + excluded.n
  )
  select count(*) into v_count from gone;
  return v_count;
end
$$;

revoke all on function private.fold_board_changes from public, anon, authenticated, service_role;
comment on function private.fold_board_changes is 'Adds changes of boards to board_histogram';

-- Returns a part of a board: of one bot, or of all together (p_board ''), and of today, this week (from Monday) or all time, in
-- the time zone of the setting quota_timezone. Users with equal XP share a rank; the first to reach them comes first. Hidden
-- users count and have a rank, but are left out; banned users and admins have none.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   board: text
--   period: 'day' | 'week' | 'all'
--   starts_on: date | null     (null: all time)
--   total: bigint              (users with a rank, hidden ones included)
--   entries: [ private.board_entry ]
-- Errors: Z0002, no such period.
create or replace function public.get_leaderboard(
  p_limit integer default 10, p_offset integer default 0, p_board text default '', p_period text default 'all'
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_starts_on constant date := private.period_start(p_period, private.clock());
begin
  return jsonb_build_object(
    'board', p_board,
    'period', p_period,
    'starts_on', nullif(v_starts_on, date 'epoch'),
    'total', private.board_total(p_board, p_period, v_starts_on),
    'entries', (
      select coalesce(
          jsonb_agg(private.board_entry(l.score) order by -(l.score).xp, (l.score).reached_at, (l.score).user_id), '[]'
        )
        from (
          select s as score
            from public.board_scores as s
           where s.board = p_board
             and s.period = p_period
             and s.starts_on = v_starts_on
             and s.is_listed
             and s.xp > 0
           order by -s.xp, s.reached_at, s.user_id
           limit least(greatest(p_limit, 0), 100)
          offset least(greatest(p_offset, 0), 10000)
        ) as l
    )
  );
end
$$;

revoke all on function public.get_leaderboard from public, anon, authenticated, service_role;
grant execute on function public.get_leaderboard to bot_backend, service_role;
comment on function public.get_leaderboard is 'Returns a part of a board';

-- Returns a user's place on a board (see public.get_leaderboard), with up to two listed users above and two below. A hidden
-- user has a rank that only this function tells.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   rank: bigint | null        (null: no XP there, banned, an admin, or unknown)
--   xp: bigint
--   total: bigint              (users with a rank)
--   is_hidden: boolean
--   above: [ private.board_entry ]   (the best first)
--   below: [ private.board_entry ]
-- Errors: Z0002, no such period.
create or replace function public.get_user_rank(
  p_telegram_id bigint, p_board text default '', p_period text default 'all'
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_starts_on constant date := private.period_start(p_period, private.clock());
  v_score public.board_scores;
  v_result jsonb;
begin
  select s.* into v_score
    from public.users as u
    join public.board_scores as s
      on s.user_id = u.id and s.board = p_board and s.period = p_period and s.starts_on = v_starts_on
   where u.telegram_id = p_telegram_id;
  v_result := jsonb_build_object(
    'rank', null,
    'xp', coalesce(v_score.xp, 0),
    'total', private.board_total(p_board, p_period, v_starts_on),
    'is_hidden', exists (
      select
        from public.board_profiles as p
        join public.users as u on u.id = p.user_id
       where u.telegram_id = p_telegram_id and p.is_hidden
    ),
    'above', '[]'::jsonb,
    'below', '[]'::jsonb
  );
  if coalesce(v_score.xp, 0) = 0 or not v_score.is_ranked then
    return v_result;
  end if;
  return v_result || jsonb_build_object(
    'rank', private.board_rank(p_board, p_period, v_starts_on, v_score.xp),
    'above', (
      select coalesce(
          jsonb_agg(private.board_entry(l.score) order by -(l.score).xp, (l.score).reached_at, (l.score).user_id), '[]'
        )
        from (
          select s as score
            from public.board_scores as s
           where s.board = p_board
             and s.period = p_period
             and s.starts_on = v_starts_on
             and s.is_listed
             and s.xp > 0
             and (-s.xp, s.reached_at, s.user_id) < (-v_score.xp, v_score.reached_at, v_score.user_id)
           order by -s.xp desc, s.reached_at desc, s.user_id desc
           limit 2
        ) as l
    ),
    'below', (
      select coalesce(
          jsonb_agg(private.board_entry(l.score) order by -(l.score).xp, (l.score).reached_at, (l.score).user_id), '[]'
        )
        from (
          select s as score
            from public.board_scores as s
           where s.board = p_board
             and s.period = p_period
             and s.starts_on = v_starts_on
             and s.is_listed
             and s.xp > 0
             and (-s.xp, s.reached_at, s.user_id) > (-v_score.xp, v_score.reached_at, v_score.user_id)
           order by -s.xp, s.reached_at, s.user_id
           limit 2
        ) as l
    )
  );
end
$$;

revoke all on function public.get_user_rank from public, anon, authenticated, service_role;
grant execute on function public.get_user_rank to bot_backend, service_role;
comment on function public.get_user_rank is 'Returns a user''s place on a board';

-- Gives a user XP, once per user, rule and reference (public.award_xp for other SQL functions). The limits of the rule may
-- lower the points, also to zero; such an award is recorded too, so that a repetition does not give them later.
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the row of the first
--   call. total_xp and level change in the same statement.
-- Locks: user (NO KEY UPDATE), then as private.move_on_boards; private.fold_board_changes waits for none.
-- Returns: jsonb
--   ...public.award_xp
-- Errors: Z0002 the points or the reference are invalid; Z0003 the reference was used with other points or in another bot;
--   Z0004 no such user; Z0008 no such rule, or it needs points.
create or replace function private.award_xp(
  p_user_id bigint, p_bot text, p_rule text, p_reference text, p_points integer default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_rule public.xp_rules;
  v_known public.xp_awards;
  v_reference text := p_reference;
  v_requested integer;
  v_points integer;
  v_old_level integer;
  v_new_level integer;
  v_total bigint;
  v_id bigint;
begin
  select r.* into v_rule
    from public.xp_rules as r
   where r.rule = p_rule and r.bot in (p_bot, '')
   order by r.bot desc
   limit 1;
  v_requested := coalesce(p_points, v_rule.points);
  if v_requested is null or v_rule.rule is null then
    raise exception 'no such XP rule, or it needs points' using errcode = 'Z0008';
  elsif abs(v_requested) > 1000000 or (v_requested < 0 and p_rule <> 'correction')
    or p_bot is null or coalesce(p_reference, '') = ''
  then
    raise exception 'the points or the reference are invalid' using errcode = 'Z0002';
  elsif v_rule.is_once then
    v_reference := 'once:' || v_rule.bot;
  end if;

  select u.total_xp, u.level into v_total, v_old_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select a.* into v_known
    from public.xp_awards as a
   where a.user_id = p_user_id and a.rule = p_rule and a.reference = v_reference;
  if found then
    if not v_rule.is_once
      and (v_known.bot <> p_bot or (p_points is not null and v_known.requested <> p_points))
    then
      raise exception 'the reference was used with other points or in another bot' using errcode = 'Z0003';
    end if;
    return jsonb_build_object(
      'awarded', false, 'points', v_known.points, 'leveled_up', false,
      'old_level', v_old_level, 'new_level', v_old_level, 'total_xp', v_total
    );
  end if;

  v_points := greatest(private.limited_points(p_user_id, p_bot, v_rule, v_requested, v_now), -v_total);
  insert into public.xp_awards (user_id, bot, rule, reference, requested, points, created_at)
  values (p_user_id, p_bot, p_rule, v_reference, v_requested, v_points, v_now)
  returning id into v_id;
  v_total := v_total + v_points;
  v_new_level := private.xp_level(v_total);
  if v_points <> 0 then
    update public.users as u set total_xp = v_total, level = v_new_level where u.id = p_user_id;
    perform private.move_on_boards(p_user_id, p_bot, v_points, v_rule.has_periods, v_now);
    if v_id % 50 = 0 then
      perform private.fold_board_changes();
    end if;
  end if;
  return jsonb_build_object(
    'awarded', v_points <> 0, 'points', v_points, 'leveled_up', v_new_level > v_old_level,
    'old_level', v_old_level, 'new_level', v_new_level, 'total_xp', v_total
  );
end
$$;

revoke all on function private.award_xp from public, anon, authenticated, service_role;
comment on function private.award_xp is 'Gives a user XP, once per rule and reference';

-- Takes a user off all boards for good, before an erasure deletes the user.
--
-- Concurrency: the caller has locked the user exclusively, so no award adds a score.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.leave_boards(p_user_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from public.board_scores as s where s.user_id = p_user_id
    returning s.board, s.period, s.starts_on, s.xp, s.is_ranked
  )
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select g.board, g.period, g.starts_on, g.xp, 0 from gone as g where g.is_ranked and g.xp > 0;
$$;

revoke all on function private.leave_boards from public, anon, authenticated, service_role;
comment on function private.leave_boards is 'Takes a user off all boards for good';

-- Moves a user on the boards of all bots and of one bot by the points of an award: all time, and with p_has_periods the day
-- and the week. Nothing goes below zero.
--
-- Concurrency: the caller holds the user's row, so the user's scores do not change meanwhile. Rows that users share are only
--   added (board_changes), so awards of different users do not wait for each other.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.move_on_boards(
  p_user_id bigint, p_bot text, p_points integer, p_has_periods boolean, p_now timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := (p_now at time zone private.setting('quota_timezone'))::date;
  v_monday constant date := date_trunc('week', v_today::timestamp)::date;
  v_is_ranked boolean;
  v_is_listed boolean;
begin
  select u.banned_at is null and not u.is_admin, u.banned_at is null and not u.is_admin and not coalesce(p.is_hidden, false)
    into v_is_ranked, v_is_listed
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_user_id;
  with moved as (
    select b.board, t.period, t.starts_on, coalesce(s.xp, 0) as old_xp, greatest(coalesce(s.xp, 0) + p_points, 0) as new_xp
      from (select '' as board union select p_bot) as b
     cross join (values ('all', date 'epoch'), ('day', v_today), ('week', v_monday)) as t (period, starts_on)
      left join public.board_scores as s
        on s.user_id = p_user_id and s.board = b.board and s.period = t.period and s.starts_on = t.starts_on
     where p_has_periods or t.period = 'all'
  ), stored as (
    insert into public.board_scores as s (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
    select p_user_id, m.board, m.period, m.starts_on, m.new_xp, p_now, v_is_ranked, v_is_listed from moved as m
    on conflict (user_id, board, period, starts_on) do update
      set xp = excluded.xp, reached_at = excluded.reached_at, is_ranked = excluded.is_ranked, is_listed = excluded.is_listed
  )
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select m.board, m.period, m.starts_on, m.old_xp, m.new_xp
    from moved as m
   where v_is_ranked and m.old_xp <> m.new_xp;
end
$$;

revoke all on function private.move_on_boards from public, anon, authenticated, service_role;
comment on function private.move_on_boards is 'Moves a user on the boards by the points of an award';

-- Returns when a period of a board begins: the day, or the Monday of the week, in the time zone of the setting
-- quota_timezone; for all time 1970-01-01.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: Z0002, no such period.
create or replace function private.period_start(p_period text, p_now timestamptz)
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_period = 'all' then
    return 'epoch';
  elsif p_period in ('day', 'week') then
    return date_trunc(p_period, p_now at time zone private.setting('quota_timezone'))::date;
  end if;
  raise exception 'no such period' using errcode = 'Z0002';
end
$$;

revoke all on function private.period_start from public, anon, authenticated, service_role;
comment on function private.period_start is 'Returns when a period of a board begins';

-- Counts board_histogram anew from board_scores, for example after scores were loaded in bulk. Awards wait meanwhile.
--
-- Concurrency: the tables are locked, so no award is lost or counted twice.
-- Locks: tables board_scores, board_changes and board_histogram (EXCLUSIVE): readers go on.
-- Returns: void
-- Errors: none.
create or replace function private.rebuild_board_histogram()
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.board_scores, public.board_changes, public.board_histogram in exclusive mode;
  delete from public.board_changes;
  delete from public.board_histogram;
  insert into public.board_histogram (board, period, starts_on, lvl, k, n)
  select s.board, s.period, s.starts_on, l.lvl, s.xp >> (6 * l.lvl), count(*)
    from public.board_scores as s
   cross join generate_series(0, 3) as l (lvl)
   where s.is_ranked and s.xp > 0
   group by 1, 2, 3, 4, 5;
end
$$;

revoke all on function private.rebuild_board_histogram from public, anon, authenticated, service_role;
comment on function private.rebuild_board_histogram is 'Counts board_histogram anew from board_scores';

-- Takes a user off the boards or puts them back, after a ban, an unban, a change of the admins, or of what the user hides.
--
-- Concurrency: derives the state from the current rows, so a repetition changes nothing. The caller holds the user's row, as
--   awards do.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_board_scores(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_ranked boolean;
  v_is_listed boolean;
begin
  select u.banned_at is null and not u.is_admin, u.banned_at is null and not u.is_admin and not coalesce(p.is_hidden, false)
    into v_is_ranked, v_is_listed
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_user_id;
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select s.board, s.period, s.starts_on, case when s.is_ranked then s.xp else 0 end, case when v_is_ranked then s.xp else 0 end
    from public.board_scores as s
   where s.user_id = p_user_id and s.is_ranked <> v_is_ranked and s.xp > 0;
  update public.board_scores as s
     set is_ranked = v_is_ranked, is_listed = v_is_listed
   where s.user_id = p_user_id and (s.is_ranked <> v_is_ranked or s.is_listed <> v_is_listed);
end
$$;

revoke all on function private.refresh_board_scores from public, anon, authenticated, service_role;
comment on function private.refresh_board_scores is 'Takes a user off the boards or puts them back';

-- Sets how a user appears on boards: the display name (null: a number instead) and whether lists leave the user out.
--
-- Concurrency: the user's row is locked, as for awards; the last call wins.
-- Locks: user (NO KEY UPDATE), board_profiles, the user's rows of board_scores.
-- Returns: jsonb
--   outcome: 'saved' | 'invalid_name'   (invalid: longer than 32 characters, without a letter, or with a link or an @name)
--   name: text | null
--   is_hidden: boolean
--   number: int
-- Errors: Z0004, no such user.
create or replace function public.set_board_profile(p_user_id bigint, p_name text, p_is_hidden boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := nullif(trim(regexp_replace(p_name, '\s+', ' ', 'g')), '');
  v_is_valid constant boolean := v_name is null or (
    length(v_name) <= 32
    and v_name ~ '[[:alpha:]]'
    and v_name !~* '[[:cntrl:]@]|://|www\.|t\.me|[a-zа-я0-9]\.(ru|com|net|org|io|me|info|рф)\M'
    -- No invisible characters, and none that turn the direction of the text.
    and v_name !~ '[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]'
  );
  v_profile public.board_profiles;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  if v_is_valid then
    insert into public.board_profiles (user_id, name, is_hidden)
    values (p_user_id, v_name, coalesce(p_is_hidden, false))
    on conflict (user_id) do update set name = excluded.name, is_hidden = excluded.is_hidden;
    perform private.refresh_board_scores(p_user_id);
  end if;
  select p.* into v_profile from public.board_profiles as p where p.user_id = p_user_id;
  return jsonb_build_object(
    'outcome', case when v_is_valid then 'saved' else 'invalid_name' end,
    'name', v_profile.name,
    'is_hidden', coalesce(v_profile.is_hidden, false),
    'number', private.board_number(p_user_id)
  );
end
$$;

revoke all on function public.set_board_profile from public, anon, authenticated, service_role;
grant execute on function public.set_board_profile to bot_backend;
comment on function public.set_board_profile is 'Sets how a user appears on boards';

CREATE TRIGGER users_refresh_boards AFTER UPDATE OF banned_at, is_admin ON public.users FOR EACH ROW WHEN ((((old.banned_at IS NULL) <> (new.banned_at IS NULL)) OR (old.is_admin <> new.is_admin))) EXECUTE FUNCTION private.refresh_boards_of_user();
