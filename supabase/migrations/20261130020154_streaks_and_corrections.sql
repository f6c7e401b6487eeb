-- Streaks and corrections.

-- Days in a row on which users finished something in any bot, by the dates of their own time zone.

create table public.streaks (
  user_id bigint primary key references public.users (id) on delete cascade,
  time_zone text,
  next_time_zone text,
  zone_changes_at timestamptz,
  zone_changed_at timestamptz,
  current integer not null default 0 check (current >= 0),
  longest integer not null default 0 check (longest >= current),
  last_day date,
  last_bot text,
  freezes integer not null default 0 check (freezes between 0 and 2),
  grace_used boolean not null default false,
  excused_on date,
  paused_on date,
  check ((next_time_zone is null) = (zone_changes_at is null))
);

comment on table public.streaks is 'Days in a row on which users finished something';
comment on column public.streaks.time_zone is 'IANA name; null: the setting quota_timezone';
comment on column public.streaks.next_time_zone is 'Applies from zone_changes_at on, the next midnight of the old zone';
comment on column public.streaks.zone_changed_at is 'When the time zone changed last: at most once in 24 hours';
comment on column public.streaks.current is 'Days up to last_day; later days may have broken the streak since (private.streak_state)';
comment on column public.streaks.last_day is 'Last local date that counted';
comment on column public.streaks.last_bot is 'The bot of the last activity';
comment on column public.streaks.freezes is 'Missed days that the streak survives; one is earned every 7 days';
comment on column public.streaks.grace_used is 'Whether this streak has counted an activity before 03:00 for the day before';
comment on column public.streaks.excused_on is 'First day in a new time zone, which was shorter: missing it breaks nothing';
comment on column public.streaks.paused_on is 'Local date on which the user paused the streak; null: it runs';
alter table public.streaks enable row level security;
revoke all on table public.streaks from public, anon, authenticated, service_role;

-- IANA time zones that users have chosen. Reading pg_timezone_names takes 40 ms; a name that is here needs no such reading.

create table private.time_zones (
  name text primary key
);

comment on table private.time_zones is 'Time zones that users have chosen, known to be valid';
alter table private.time_zones enable row level security;
revoke all on table private.time_zones from public, anon, authenticated, service_role;

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
    'streak', (select to_jsonb(s) - 'user_id' from public.streaks as s where s.user_id = p_user_id),
    'profile', (select to_jsonb(p) - 'user_id' from public.board_profiles as p where p.user_id = p_user_id)
  );
$$;

revoke all on function private.xp_section from public, anon, authenticated, service_role;
comment on function private.xp_section is 'Collects what is stored about a user''s XP, badges, streak and boards';

-- Gives a user XP in an admin's name, or takes some, down to zero: a correction in the ledger (private.award_xp). It counts on
-- the board of all bots and all time. The user gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE), then as private.award_xp.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: bigint         (total XP)
--   after: bigint
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_adjust_xp(
  p_user_id bigint,
  p_points integer,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_before bigint;
  v_after bigint;
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_points, 0) = 0 or abs(p_points) > 1000000 then
    raise exception 'the points must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.total_xp into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'adjust_xp', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'points')::integer <> p_points then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'total_xp', 'after', v_known.after -> 'total_xp',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_after := (
    private.award_xp(p_user_id, '', 'correction', 'admins:' || coalesce(p_reference, gen_random_uuid()::text), p_points)
      ->> 'total_xp'
  )::bigint;
  v_id := private.write_audit(
    v_email, 'adjust_xp', p_user_id, p_reference,
    jsonb_build_object('total_xp', v_before),
    jsonb_strip_nulls(jsonb_build_object('total_xp', v_after, 'points', p_points, 'reason', v_reason))
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'xp', v_before, v_after)
  );
end
$$;

revoke all on function public.admin_adjust_xp from public, anon, authenticated, service_role;
grant execute on function public.admin_adjust_xp to bot_backend, service_role;
comment on function public.admin_adjust_xp is 'Gives a user XP in an admin''s name, or takes some';

-- Awards a badge to a user in an admin's name, also one that was revoked. The user gets no message of it.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   ...private.set_badge
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or badge;
--   N0004 the badge or the reason is invalid.
create or replace function public.admin_award_badge(
  p_user_id bigint,
  p_badge text,
  p_bot text,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.set_badge(private.require_admin(p_admin_email), p_user_id, p_badge, p_bot, true, p_reference, p_reason);
end
$$;

revoke all on function public.admin_award_badge from public, anon, authenticated, service_role;
grant execute on function public.admin_award_badge to bot_backend, service_role;
comment on function public.admin_award_badge is 'Awards a badge to a user in an admin''s name';

-- Takes a badge from a user in an admin's name; its condition does not award it again. The user gets no message of it.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   ...private.set_badge
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or badge;
--   N0004 the badge or the reason is invalid.
create or replace function public.admin_revoke_badge(
  p_user_id bigint,
  p_badge text,
  p_bot text,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.set_badge(private.require_admin(p_admin_email), p_user_id, p_badge, p_bot, false, p_reference, p_reason);
end
$$;

revoke all on function public.admin_revoke_badge from public, anon, authenticated, service_role;
grant execute on function public.admin_revoke_badge to bot_backend, service_role;
comment on function public.admin_revoke_badge is 'Takes a badge from a user in an admin''s name';

-- Undoes what an admin did to a user: bonus credits, trainings, balance, XP, a badge, a plan, or the reset of the limit. What the
-- user has spent since stays spent. Of a reset, this month and today are restored, earlier days of the month are not.
-- The user gets one message, but none about a badge.
--
-- Concurrency: the user's row is locked, and an entry is undone once (a unique index on the log); a repeated call
--   returns what was done.
-- Locks: user (NO KEY UPDATE), then the rows that the action changed.
-- Returns: jsonb
--   outcome: 'undone'      (now, or by a call with this reference)
--     | 'known'            (undone before)
--     | 'replaced'         (a later change took its place, or its time is over)
--     | 'impossible'       (no such entry, not of a kind that can be undone, or its user is erased)
--   telegram_id?: bigint
--   action?: text
--   before?: jsonb         (as the action has them)
--   after?: jsonb
--   is_partial?: boolean   (less was left than was given)
--   outgoing?: outgoing    (the message to the user, sent once)
-- Errors: N0001 not an admin; N0003 the reference was used with another action.
create or replace function public.admin_undo(p_audit_id bigint, p_admin_email text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_entry public.audit_log;
  v_known public.audit_log;
  v_result jsonb;
  v_before jsonb;
  v_after jsonb;
  v_is_done boolean := true;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select l.* into v_entry from public.audit_log as l where l.id = p_audit_id;
  if v_entry.user_id is null or not private.is_undoable(v_entry) then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  perform from public.users as u where u.id = v_entry.user_id for no key update;
  if not found then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  v_result := jsonb_build_object(
    'telegram_id', (select u.telegram_id from public.users as u where u.id = v_entry.user_id), 'action', v_entry.action
  );
  select l.* into v_known
    from public.audit_log as l
   where l.action = 'undo' and (l.after ->> 'undoes')::bigint = p_audit_id;
  if found then
    return v_result || jsonb_build_object(
      'outcome', case when v_known.reference = p_reference then 'undone' else 'known' end,
      'before', v_known.before, 'after', v_known.after - '{undoes,action}'::text[], 'is_partial', v_known.after ? 'is_partial', 'outgoing', v_outgoing
    );
  end if;

  if v_entry.action = 'set_plan' then
    v_before := private.plan_of(v_entry.user_id);
    v_is_done := private.undo_plan(v_entry);
    v_after := private.plan_of(v_entry.user_id);
    v_outgoing := case when v_is_done then private.notify_plan_change(v_entry.user_id, v_before, v_after) end;
  elsif v_entry.action = 'reset_user_usage' then
    v_is_done := private.undo_reset(v_entry);
    v_before := jsonb_build_object('requests', 0);
    v_after := jsonb_build_object('requests', v_entry.before -> 'requests');
    v_outgoing := case when v_is_done then private.notify_user(v_entry.user_id, 'gift_reset_undone', '{}') end;
  elsif v_entry.action in ('award_badge', 'revoke_badge') then
    v_is_done := private.undo_badge(v_entry);
    v_before := v_entry.after - 'reason';
    v_after := v_entry.before;
  else
    v_before := private.undo_amount(v_entry);
    v_after := jsonb_build_object('amount', v_before -> 'after') || case
      when (v_before ->> 'after')::numeric > (v_before ->> 'wanted')::numeric then '{"is_partial": true}'::jsonb
      else '{}'::jsonb
    end;
    v_outgoing := private.notify_adjustment(
      v_entry.user_id,
      case v_entry.action
        when 'add_bonus_credits' then 'credits' when 'give_trainings' then 'trainings' when 'adjust_xp' then 'xp' else 'balance'
      end,
      (v_before ->> 'before')::numeric,
      (v_before ->> 'after')::numeric
    );
    v_before := jsonb_build_object('amount', v_before -> 'before');
  end if;
  if not v_is_done then
    return v_result || jsonb_build_object('outcome', 'replaced');
  end if;
  perform private.write_audit(
    v_email, 'undo', v_entry.user_id, p_reference, v_before,
    v_after || jsonb_build_object('undoes', v_entry.id, 'action', v_entry.action)
  );
  return v_result || jsonb_build_object(
    'outcome', 'undone', 'before', v_before, 'after', v_after, 'is_partial', v_after ? 'is_partial', 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.admin_undo from public, anon, authenticated, service_role;
grant execute on function public.admin_undo to bot_backend, service_role;
comment on function public.admin_undo is 'Undoes what an admin did to a user';

-- Returns whether an audit entry is of a kind that can be undone, and changed something.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_undoable(p_entry public.audit_log)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_entry.action
    when 'add_bonus_credits' then p_entry.before -> 'bonus_credits' <> p_entry.after -> 'bonus_credits'
    when 'adjust_xp' then p_entry.before -> 'total_xp' <> p_entry.after -> 'total_xp'
    when 'award_badge' then p_entry.before -> 'has' <> p_entry.after -> 'has'
    when 'revoke_badge' then p_entry.before -> 'has' <> p_entry.after -> 'has'
    when 'give_trainings' then p_entry.before -> 'trainings' <> p_entry.after -> 'trainings'
    when 'adjust_balance' then p_entry.before -> 'balance' <> p_entry.after -> 'balance'
    when 'reset_user_usage' then p_entry.before -> 'requests' <> p_entry.after -> 'requests'
    when 'set_plan' then
      p_entry.after ->> 'subscription' is not null
      or jsonb_array_length(coalesce(p_entry.after -> 'replaced', '[]')) > 0
    else false
  end;
$$;

revoke all on function private.is_undoable from public, anon, authenticated, service_role;
comment on function private.is_undoable is 'Returns whether an admin''s action can be undone';

-- Gives a user a badge or takes it, in an admin's name, and writes it to the audit log as award_badge or revoke_badge.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: boolean        (whether the user had it)
--   after: boolean
--   id: bigint             (the audit entry, for admin_undo)
-- Errors: N0002 no such user; N0003 the reference was used with another action, user or badge; N0004 the badge or the
--   reason is invalid.
create or replace function private.set_badge(
  p_email text, p_user_id bigint, p_badge text, p_bot text, p_has boolean, p_reference text, p_reason text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_action constant text := case when p_has then 'award_badge' else 'revoke_badge' end;
  v_reason constant text := nullif(trim(p_reason), '');
  v_known public.audit_log;
  v_before boolean;
  v_id bigint;
begin
  if p_bot is null or coalesce(p_badge, '') !~ '^[a-z][a-z0-9_]{0,63}$' then
    raise exception 'the badge or the bot is invalid' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, v_action, p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'badge', v_known.after ->> 'bot') <> (p_badge, p_bot) then
      raise exception 'the reference was used with another badge' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'has', 'after', v_known.after -> 'has', 'id', v_known.id
    );
  end if;
  v_before := private.switch_badge(p_user_id, p_badge, p_bot, p_has);
  v_id := private.write_audit(
    p_email, v_action, p_user_id, p_reference,
    jsonb_build_object('badge', p_badge, 'bot', p_bot, 'has', v_before),
    jsonb_strip_nulls(jsonb_build_object('badge', p_badge, 'bot', p_bot, 'has', p_has, 'reason', v_reason))
  );
  return jsonb_build_object('applied', true, 'before', v_before, 'after', p_has, 'id', v_id);
end
$$;

revoke all on function private.set_badge from public, anon, authenticated, service_role;
comment on function private.set_badge is 'Gives a user a badge or takes it, in an admin''s name';

-- Gives a user a badge or takes it. A badge that is taken keeps its row, so that no condition awards it again.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the badge's row of user_badges.
-- Returns: boolean, whether the user had it.
-- Errors: none.
create or replace function private.switch_badge(p_user_id bigint, p_badge text, p_bot text, p_has boolean)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_had boolean;
begin
  select b.revoked_at is null into v_had
    from public.user_badges as b
   where b.user_id = p_user_id and b.badge = p_badge and b.bot = p_bot
     for update;
  if not found then
    v_had := false;
    insert into public.user_badges (user_id, badge, bot, revoked_at)
    values (p_user_id, p_badge, p_bot, case when not p_has then private.clock() end)
    on conflict (user_id, badge, bot) do update set revoked_at = excluded.revoked_at;
  elsif v_had <> p_has then
    update public.user_badges as b
       set revoked_at = case when not p_has then private.clock() end
     where b.user_id = p_user_id and b.badge = p_badge and b.bot = p_bot;
  end if;
  return v_had;
end
$$;

revoke all on function private.switch_badge from public, anon, authenticated, service_role;
comment on function private.switch_badge is 'Gives a user a badge or takes it';

-- Reverses a change of bonus credits, trainings or balance by an admin: takes back what was added, as much as is
-- left, or returns what was taken.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the rows that the action changed.
-- Returns: jsonb, {before, after, wanted}: the amount before, now, and what a complete reversal would give.
-- Errors: none.
create or replace function private.undo_amount(p_entry public.audit_log)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field constant text := case p_entry.action
    when 'add_bonus_credits' then 'bonus_credits' when 'give_trainings' then 'trainings' when 'adjust_xp' then 'total_xp' else 'balance'
  end;
  v_change constant numeric := (p_entry.before ->> v_field)::numeric - (p_entry.after ->> v_field)::numeric;
  v_user public.users;
  v_before numeric;
  v_after numeric;
begin
  select u.* into v_user from public.users as u where u.id = p_entry.user_id;
  v_before := case v_field
    when 'bonus_credits' then v_user.bonus_credits
    when 'balance' then v_user.balance
    when 'total_xp' then v_user.total_xp
    else (select coalesce(sum(f.quantity - f.used), 0) from public.free_trainings as f where f.user_id = v_user.id)
  end;
  v_after := greatest(v_before + v_change, 0);
  if v_after = v_before then
    null;
  elsif v_field = 'bonus_credits' then
    update public.users as u set bonus_credits = v_after where u.id = v_user.id;
  elsif v_field = 'balance' then
    perform public.adjust_balance(v_user.telegram_id, v_after - v_before, 'admin', 'admins:undo:' || p_entry.id);
  elsif v_field = 'total_xp' then
    perform private.award_xp(
      v_user.id, '', 'correction', 'admins:undo:' || p_entry.id, (v_after - v_before)::integer
    );
  elsif v_after > v_before then
    perform private.give_trainings(v_user.id, 'admin', 'undo:' || p_entry.id, (v_after - v_before)::integer);
  else
    perform private.use_trainings(v_user.id, (v_before - v_after)::integer);
  end if;
  return jsonb_build_object('before', v_before, 'after', v_after, 'wanted', v_before + v_change);
end
$$;

revoke all on function private.undo_amount from public, anon, authenticated, service_role;
comment on function private.undo_amount is 'Reverses a change of an amount by an admin';

-- Reverses that an admin gave a badge or took it.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the badge's row of user_badges.
-- Returns: boolean, false and nothing changed if the badge has changed again since.
-- Errors: none.
create or replace function private.undo_badge(p_entry public.audit_log)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_badge constant text := p_entry.after ->> 'badge';
  v_bot constant text := p_entry.after ->> 'bot';
  v_has constant boolean := exists (
    select
      from public.user_badges as b
     where b.user_id = p_entry.user_id and b.badge = v_badge and b.bot = v_bot and b.revoked_at is null
  );
begin
  if v_has <> (p_entry.after ->> 'has')::boolean then
    return false;
  end if;
  perform private.switch_badge(p_entry.user_id, v_badge, v_bot, not v_has);
  return true;
end
$$;

revoke all on function private.undo_badge from public, anon, authenticated, service_role;
comment on function private.undo_badge is 'Reverses that an admin gave a badge or took it';

-- Finishes a training: computes its score, stores it in the history, and awards XP and badges, once. With fewer questions
-- than the scenario wants it has no score and gives nothing; one that took less than the scenario's shortest time has a
-- score, but gives no XP. A drill gives half of its score as XP.
--
-- p_reason: button, limit or target. p_case_data: what the history keeps of the case.
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, session, then as private.award_xp, private.award_due_badges and
--   private.count_for_task.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'none'    (known: it was finished before; none: no such training, or abandoned)
--   result?: private.training_result          (finished, known)
-- Errors: none.
create or replace function public.finish_training(
  p_user_id bigint, p_training_id bigint, p_reason text, p_case_data jsonb default '{}'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user public.users;
  v_training public.trainings;
  v_chains integer;
  v_bonuses jsonb;
  v_before jsonb;
  v_facts jsonb;
  v_awards jsonb := jsonb '{}';
  v_is_scored boolean;
  v_is_fast boolean;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' then
    return jsonb_build_object('outcome', 'none');
  end if;

  v_now := private.clock();
  v_is_scored := v_training.question_count >= (v_training.rules ->> 'min_questions')::integer;
  v_is_fast := v_now - v_training.first_question_at < make_interval(secs => (v_training.rules ->> 'min_seconds')::integer);
  select count(*) into v_chains
    from jsonb_array_elements(v_training.rules -> 'hidden') as h (item)
   where v_training.revealed ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id')
     and not v_training.rules -> 'given' ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id');
  v_bonuses := private.training_bonuses(
    v_training.rules,
    v_training.points,
    (
      select coalesce(jsonb_object_agg(f.type, f.place), '{}')
        from (
          select r.type, min(r.position) as place
            from public.training_turns as r
           where r.training_id = v_training.id and r.why in ('counted', 'capped')
           group by r.type
        ) as f
    ),
    v_chains
  );
  if v_is_scored then
    select jsonb_build_object('score', h.score, 'clarity_level', h.clarity_level) into v_before
      from public.training_history as h
     where h.user_id = p_user_id
       and h.bot = v_training.bot
       and h.scenario = v_training.scenario
       and h.mode = v_training.mode
     order by h.id desc
     limit 1;
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      p_user_id, v_training.bot, concat(v_training.bot, ':', v_training.id), v_training.scenario, v_training.mode,
      (v_bonuses ->> 'score')::integer, v_training.clarity_level, v_training.question_count,
      v_training.contextual_questions, v_training.per_type_counts,
      p_case_data || jsonb_build_object('case_id', v_training.case_id),
      jsonb_build_object(
        'training_id', v_training.id, 'version', v_training.version, 'difficulty', v_training.difficulty,
        'drill_type', v_training.drill_type, 'language', v_training.language, 'revealed', v_training.revealed,
        'facts_given', v_training.facts_given, 'chains', v_chains, 'bonuses', v_bonuses, 'reason', p_reason,
        'started_at', v_training.created_at
      ),
      v_now
    );
    perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
    v_facts := private.training_facts(v_training, (v_bonuses ->> 'score')::integer, v_chains);
    v_awards := jsonb_build_object(
      'maestro_streak', private.maestro_streak(
        p_user_id, v_training.bot, v_training.scenario, (v_training.rules ->> 'maestro_score')::integer
      ),
      'xp', case
        when not v_is_fast and (v_bonuses ->> 'score')::integer > 1 then private.award_xp(
          p_user_id, v_training.bot, 'training_finished', concat(v_training.bot, ':', v_training.id),
          case when v_training.mode = 'drill' then (v_bonuses ->> 'score')::integer / 2
            else (v_bonuses ->> 'score')::integer end
        )
      end,
      'badges', private.award_due_badges(p_user_id, v_training.bot, v_facts)
    );
    perform private.count_for_task(v_training.id, (v_bonuses ->> 'score')::integer, v_now, null);
  end if;
  update public.trainings as t
     set status = 'finished',
         turn_reference = null,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = v_bonuses || jsonb_build_object(
           'is_scored', v_is_scored, 'is_fast', coalesce(v_is_fast, false), 'reason', p_reason, 'chains', v_chains,
           'before', v_before, 'maestro_streak', null, 'xp', null, 'badges', '[]'::jsonb
         ) || v_awards
   where t.id = v_training.id
  returning t.* into v_training;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_training from public, anon, authenticated, service_role;
grant execute on function public.finish_training to bot_backend;
comment on function public.finish_training is 'Finishes a training and awards what it gives';

-- Awards the badges of a bot, and those of no bot, whose condition the user's figures meet. p_facts: figures by name, for
-- example {"best_score": 190}; total_xp, level and streak are added here. A condition on a figure that is missing is not met.
--
-- Concurrency: see private.award_badge: each badge is returned by one call only.
-- Locks: user (KEY SHARE).
-- Returns: jsonb
--   [ text ]               (the badges that the user receives now, in alphabetical order)
-- Errors: Z0004 no such user.
create or replace function private.award_due_badges(p_user_id bigint, p_bot text, p_facts jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_facts jsonb;
  v_badge public.badges;
  v_awarded jsonb := jsonb '[]';
begin
  select p_facts || jsonb_build_object(
      'total_xp', u.total_xp, 'level', u.level, 'streak', public.get_streak(u.id) -> 'current'
    ) into v_facts
    from public.users as u
   where u.id = p_user_id;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  for v_badge in
    select b.*
      from public.badges as b
     where b.bot in (p_bot, '')
       and private.meets_condition(b.condition, v_facts)
       and not exists (
         select
           from public.user_badges as h
          where h.user_id = p_user_id and h.badge = b.badge and h.bot = b.bot
       )
     order by b.badge, b.bot
  loop
    if private.award_badge(p_user_id, v_badge.bot, v_badge.badge, jsonb_build_object('earned_in', p_bot)) then
      v_awarded := v_awarded || to_jsonb(v_badge.badge);
    end if;
  end loop;
  return v_awarded;
end
$$;

revoke all on function private.award_due_badges from public, anon, authenticated, service_role;
comment on function private.award_due_badges is 'Awards the badges whose condition a user''s figures meet';

-- Returns what a user's profile shows of XP, over all bots.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   {
--     first_name: text,
--     name: text | null,             (display name on boards)
--     number: int,                   (shown there without a name)
--     is_hidden: boolean,
--     total_xp: bigint,
--     level: int,
--     level_name: text,              (levels.name_key)
--     level_xp: bigint,              (XP at which the level begins)
--     next_level_xp: bigint | null,  (null: the highest level)
--     rank: bigint | null,           (of all time and all bots; null: none)
--     total: bigint,                 (users with a rank)
--     badges: [ { badge: text, bot: text, metadata: jsonb, earned_at: timestamptz } ],
--     streak: private.streak_state,
--     bots: [ { bot: text, xp: bigint } ]   (the most XP first)
--   } | null                         (no such user)
-- Errors: none.
create or replace function public.get_profile(p_user_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_profile public.board_profiles;
  v_level public.levels;
  v_is_ranked boolean;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    return null;
  end if;
  select p.* into v_profile from public.board_profiles as p where p.user_id = p_user_id;
  select l.* into v_level from public.levels as l where l.level = v_user.level;
  v_is_ranked := v_user.total_xp > 0 and v_user.banned_at is null and not v_user.is_admin;
  return jsonb_build_object(
    'first_name', v_user.first_name,
    'name', v_profile.name,
    'number', private.board_number(p_user_id),
    'is_hidden', coalesce(v_profile.is_hidden, false),
    'total_xp', v_user.total_xp,
    'level', v_user.level,
    'level_name', coalesce(v_level.name_key, 'novice'),
    'level_xp', coalesce(v_level.min_xp, 0),
    'next_level_xp', (select min(l.min_xp) from public.levels as l where l.level > v_user.level),
    'rank', case when v_is_ranked then private.board_rank('', 'all', 'epoch', v_user.total_xp) end,
    'total', private.board_total('', 'all', 'epoch'),
    'badges', public.get_user_badges(v_user.telegram_id),
    'streak', public.get_streak(p_user_id),
    'bots', (
      select coalesce(jsonb_agg(jsonb_build_object('bot', s.board, 'xp', s.xp) order by s.xp desc, s.board), '[]')
        from public.board_scores as s
       where s.user_id = p_user_id and s.period = 'all' and s.board <> '' and s.xp > 0
    )
  );
end
$$;

revoke all on function public.get_profile from public, anon, authenticated, service_role;
grant execute on function public.get_profile to bot_backend;
comment on function public.get_profile is 'Returns what a user''s profile shows of XP';

-- Returns a user's streak as it is now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   ...private.streak_state
-- Errors: none.
create or replace function public.get_streak(p_user_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks;
begin
  select s.* into v_streak from public.streaks as s where s.user_id = p_user_id;
  return private.streak_state(v_streak, private.clock());
end
$$;

revoke all on function public.get_streak from public, anon, authenticated, service_role;
grant execute on function public.get_streak to bot_backend;
comment on function public.get_streak is 'Returns a user''s streak as it is now';

-- Returns whether an activity now counts for yesterday: until 03:00 local time, if yesterday alone is missing, once a streak.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_grace(p_streak public.streaks, p_now timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := private.local_day(p_streak, p_now);
begin
  return p_streak.current > 0
    and not p_streak.grace_used
    and p_streak.paused_on is null
    and (p_now at time zone coalesce(p_streak.time_zone, private.setting('quota_timezone')))::time < '03:00'
    and private.missed_days(p_streak, v_today) = 1
    and private.missed_days(p_streak, v_today - 1) = 0;
end
$$;

revoke all on function private.has_grace from public, anon, authenticated, service_role;
comment on function private.has_grace is 'Returns whether an activity now counts for yesterday';

-- Returns a time zone under its IANA name, if there is one. Abbreviations and POSIX rules, which `at time zone` also accepts,
-- are none.
--
-- Concurrency: adds a row of private.time_zones once.
-- Locks: none.
-- Returns: text, the name; null for anything else.
-- Errors: none.
create or replace function private.known_time_zone(p_name text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  if exists (select from private.time_zones as z where z.name = p_name) then
    return p_name;
  elsif coalesce(p_name, '') !~ '^([A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}|UTC)$' or length(p_name) > 64 then
    return null;
  end if;
  -- Cheap, and refuses most wrong names before all files are read.
  perform private.clock() at time zone p_name;
  select n.name into v_name from pg_timezone_names as n where n.name = p_name;
  if found then
    insert into private.time_zones (name) values (v_name) on conflict (name) do nothing;
  end if;
  return v_name;
exception when invalid_parameter_value then
  return null;
end
$$;

revoke all on function private.known_time_zone from public, anon, authenticated, service_role;
comment on function private.known_time_zone is 'Returns a time zone under its IANA name, if there is one';

-- Returns the date of a moment in the time zone of a streak.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: none.
create or replace function private.local_day(p_streak public.streaks, p_at timestamptz)
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (p_at at time zone coalesce(p_streak.time_zone, private.setting('quota_timezone')))::date;
end
$$;

revoke all on function private.local_day from public, anon, authenticated, service_role;
comment on function private.local_day is 'Returns the date of a moment in the time zone of a streak';

-- Locks a user's streak, creates its row if needed, and returns it as it is now (private.settled_streak).
--
-- Concurrency: the user's row is locked first, as for awards.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.streaks
-- Errors: Z0004, no such user.
create or replace function private.lock_streak(p_user_id bigint)
returns public.streaks
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.streaks (user_id) values (p_user_id) on conflict (user_id) do nothing;
  select s.* into v_streak from public.streaks as s where s.user_id = p_user_id;
  return private.settled_streak(v_streak, private.clock());
end
$$;

revoke all on function private.lock_streak from public, anon, authenticated, service_role;
comment on function private.lock_streak is 'Locks a user''s streak and returns it as it is now';

-- Counts the days that a streak has missed before a day: those after last_day, without an excused one and without those of a
-- pause.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.missed_days(p_streak public.streaks, p_day date)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    greatest(
      e.day - p_streak.last_day - 1
        - coalesce((p_streak.excused_on > p_streak.last_day and p_streak.excused_on < e.day)::integer, 0),
      0
    ),
    0
  )
  from (select least(p_day, p_streak.paused_on) as day) as e;
$$;

revoke all on function private.missed_days from public, anon, authenticated, service_role;
comment on function private.missed_days is 'Counts the days that a streak has missed before a day';

-- Pauses a user's streak from today on, or lets it go on. Days of a pause are neither missed nor counted.
--
-- Concurrency: the user's row is locked; a repetition changes nothing.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   ...private.streak_state
-- Errors: Z0004, no such user.
create or replace function public.pause_streak(p_user_id bigint, p_paused boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_today constant date := private.local_day(v_streak, v_now);
begin
  if not p_paused then
    v_streak := private.resumed_streak(v_streak, v_today);
  elsif v_streak.paused_on is null then
    v_streak.paused_on := v_today;
  end if;
  perform private.store_streak(v_streak);
  return private.streak_state(v_streak, v_now);
end
$$;

revoke all on function public.pause_streak from public, anon, authenticated, service_role;
grant execute on function public.pause_streak to bot_backend;
comment on function public.pause_streak is 'Pauses a user''s streak or lets it go on';

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
    return date 'epoch';
  elsif p_period in ('day', 'week') then
    return date_trunc(p_period, p_now at time zone private.setting('quota_timezone'))::date;
  end if;
  raise exception 'no such period' using errcode = 'Z0002';
end
$$;

revoke all on function private.period_start from public, anon, authenticated, service_role;
comment on function private.period_start is 'Returns when a period of a board begins';

-- Counts a finished piece of work of a user for the streak, once a local day. A missed day costs a freeze if there are enough for
-- all missed days, else the streak begins anew. Every seventh day earns a freeze, two at most. An activity ends a pause.
--
-- Concurrency: the user's row is locked, so of several calls on a day one counts.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   current: int
--   longest: int
--   freezes: int
--   is_new_day: boolean    (false: the day had counted)
--   froze: int             (freezes spent now for missed days)
-- Errors: Z0004, no such user.
create or replace function public.record_activity(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_today constant date := private.local_day(v_streak, v_now);
  v_day date := v_today;
  v_missed integer;
  v_froze integer := 0;
  v_is_new_day boolean;
begin
  v_streak := private.resumed_streak(v_streak, v_today);
  v_is_new_day := coalesce(v_streak.last_day < v_today, true);
  if v_is_new_day then
    v_missed := private.missed_days(v_streak, v_today);
    if private.has_grace(v_streak, v_now) then
      v_day := v_today - 1;
      v_streak.grace_used := true;
      v_streak.current := v_streak.current + 1;
    elsif v_missed <= v_streak.freezes then
      v_froze := v_missed;
      v_streak.freezes := v_streak.freezes - v_froze;
      v_streak.current := v_streak.current + 1;
    else
      v_streak.current := 1;
      v_streak.grace_used := false;
    end if;
    v_streak.last_day := v_day;
    v_streak.longest := greatest(v_streak.longest, v_streak.current);
    if v_streak.current % 7 = 0 then
      v_streak.freezes := least(v_streak.freezes + 1, 2);
    end if;
  end if;
  v_streak.last_bot := p_bot;
  perform private.store_streak(v_streak);
  return jsonb_build_object(
    'current', v_streak.current, 'longest', v_streak.longest, 'freezes', v_streak.freezes,
    'is_new_day', v_is_new_day, 'froze', v_froze
  );
end
$$;

revoke all on function public.record_activity from public, anon, authenticated, service_role;
grant execute on function public.record_activity to bot_backend;
comment on function public.record_activity is 'Counts a finished piece of work for the streak, once a local day';

-- Returns a paused streak as it goes on: the days of the pause are neither missed nor counted. A streak that is not paused is
-- returned as it is.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: public.streaks
-- Errors: none.
create or replace function private.resumed_streak(p_streak public.streaks, p_today date)
returns public.streaks
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks := p_streak;
begin
  if p_streak.paused_on < p_today and p_streak.last_day is not null then
    v_streak.last_day := least(p_streak.last_day + (p_today - p_streak.paused_on), p_today - 1);
  end if;
  v_streak.paused_on := null;
  return v_streak;
end
$$;

revoke all on function private.resumed_streak from public, anon, authenticated, service_role;
comment on function private.resumed_streak is 'Returns a paused streak as it goes on';

-- Sets the time zone of a user's days. It applies from the next midnight of the zone before on, or at once while no day has
-- counted, and changes at most once in 24 hours. It never breaks a streak.
--
-- Concurrency: the user's row is locked; before midnight the last call wins.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   outcome: 'set'             (at once)
--     | 'scheduled'            (from the next midnight on)
--     | 'unchanged'            (it is the zone already)
--     | 'too_soon'             (it changed less than 24 hours ago)
--     | 'unknown_zone'         (no IANA name)
--   ...private.streak_state
-- Errors: Z0004, no such user.
create or replace function public.set_time_zone(p_user_id bigint, p_time_zone text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_zone constant text := private.known_time_zone(p_time_zone);
  v_present constant text := coalesce(v_streak.time_zone, private.setting('quota_timezone'));
  v_outcome text;
begin
  v_outcome := case
    when v_zone is null then 'unknown_zone'
    when v_zone = v_present then 'unchanged'
    when v_streak.last_day is null then 'set'
    when v_streak.zone_changed_at > v_now - interval '24 hours' then 'too_soon'
    else 'scheduled'
  end;
  if v_outcome in ('set', 'unchanged') then
    v_streak.time_zone := v_zone;
    v_streak.next_time_zone := null;
    v_streak.zone_changes_at := null;
  elsif v_outcome = 'scheduled' then
    v_streak.next_time_zone := v_zone;
    v_streak.zone_changes_at := (private.local_day(v_streak, v_now) + 1)::timestamp at time zone v_present;
  end if;
  perform private.store_streak(v_streak);
  return private.streak_state(v_streak, v_now) || jsonb_build_object('outcome', v_outcome);
end
$$;

revoke all on function public.set_time_zone from public, anon, authenticated, service_role;
grant execute on function public.set_time_zone to bot_backend;
comment on function public.set_time_zone is 'Sets the time zone of a user''s days';

-- Returns a streak with a change of the time zone applied that is due. To the west, the day that has just ended goes on: it
-- counts once. To the east, the day that begins is shorter: missing it breaks nothing; where a date is skipped, the days before
-- it move along.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: public.streaks
-- Errors: none.
create or replace function private.settled_streak(p_streak public.streaks, p_now timestamptz)
returns public.streaks
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks := p_streak;
  v_old date;
  v_new date;
begin
  if coalesce(p_streak.zone_changes_at > p_now, true) then
    return p_streak;
  end if;
  v_old := private.local_day(p_streak, p_streak.zone_changes_at);
  v_streak.time_zone := p_streak.next_time_zone;
  v_streak.next_time_zone := null;
  v_streak.zone_changes_at := null;
  v_streak.zone_changed_at := p_streak.zone_changes_at;
  v_new := private.local_day(v_streak, p_streak.zone_changes_at);
  if v_new > v_old then
    v_streak.last_day := p_streak.last_day + (v_new - v_old);
    v_streak.paused_on := p_streak.paused_on + (v_new - v_old);
  else
    v_streak.last_day := case when p_streak.last_day is not null then least(p_streak.last_day, v_new) end;
    v_streak.paused_on := case when p_streak.paused_on is not null then least(p_streak.paused_on, v_new) end;
  end if;
  if v_new = v_old then
    v_streak.excused_on := v_new;
  end if;
  return v_streak;
end
$$;

revoke all on function private.settled_streak from public, anon, authenticated, service_role;
comment on function private.settled_streak is 'Returns a streak with a due change of the time zone applied';

-- Stores a streak that private.lock_streak returned, with its changes.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the user's row of streaks.
-- Returns: void
-- Errors: none.
create or replace function private.store_streak(p_streak public.streaks)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.streaks as s
     set time_zone = p_streak.time_zone,
         next_time_zone = p_streak.next_time_zone,
         zone_changes_at = p_streak.zone_changes_at,
         zone_changed_at = p_streak.zone_changed_at,
         current = p_streak.current,
         longest = p_streak.longest,
         last_day = p_streak.last_day,
         last_bot = p_streak.last_bot,
         freezes = p_streak.freezes,
         grace_used = p_streak.grace_used,
         excused_on = p_streak.excused_on,
         paused_on = p_streak.paused_on
   where s.user_id = p_streak.user_id and s is distinct from p_streak;
$$;

revoke all on function private.store_streak from public, anon, authenticated, service_role;
comment on function private.store_streak is 'Stores a streak with its changes';

-- Returns a streak as the user sees it at a moment.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   current: int           (0: missed days broke it)
--   longest: int
--   freezes: int           (without those that missed days will cost)
--   missed: int            (missed days that freezes cover)
--   is_today: boolean      (today has counted)
--   is_paused: boolean
--   time_zone: text
--   next_time_zone: text | null   (from the next midnight on)
-- Errors: none.
create or replace function private.streak_state(p_streak public.streaks, p_now timestamptz)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak constant public.streaks := private.settled_streak(p_streak, p_now);
  v_today constant date := private.local_day(v_streak, p_now);
  v_missed integer := private.missed_days(v_streak, v_today);
  v_is_broken boolean;
begin
  if private.has_grace(v_streak, p_now) then
    v_missed := 0;
  end if;
  v_is_broken := v_missed > coalesce(v_streak.freezes, 0);
  return jsonb_build_object(
    'current', case when v_is_broken then 0 else coalesce(v_streak.current, 0) end,
    'longest', coalesce(v_streak.longest, 0),
    'freezes', coalesce(v_streak.freezes, 0) - case when v_is_broken then 0 else v_missed end,
    'missed', case when v_is_broken then 0 else v_missed end,
    'is_today', coalesce(v_streak.last_day >= v_today, false),
    'is_paused', v_streak.paused_on is not null,
    'time_zone', coalesce(v_streak.time_zone, private.setting('quota_timezone')),
    'next_time_zone', v_streak.next_time_zone
  );
end
$$;

revoke all on function private.streak_state from public, anon, authenticated, service_role;
comment on function private.streak_state is 'Returns a streak as the user sees it at a moment';

comment on function private.notify_adjustment(bigint,pg_catalog.text,numeric,numeric) is 'Enqueues a message to a user whose credits, trainings, XP or balance changed';
