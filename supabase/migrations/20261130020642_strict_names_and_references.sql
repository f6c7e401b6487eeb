-- Strict names and references.

-- Changes a user's balance and writes the ledger entry, once per reference. Called by our own code and, with the secret key,
-- by other services of the same owner. A user whom no bot has seen yet is created; their first message to a bot still counts as
-- their first (users.has_started).
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the first call's ledger
--   entry and changes nothing. Two calls that use one reference for different users collide in its unique index; the second
--   fails with L0003. Two calls that create the same user collide in the unique telegram_id and continue with one row.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   balance: numeric       (after the call)
--   applied: boolean       (false: an earlier call applied the reference)
--   transaction_id: bigint (balance_transactions.id)
-- Errors: L0001 no Telegram user can have this id; L0002 the balance would become negative; L0003 the reference was used with
--   another amount or user; L0004 the amount, reason or reference is invalid; 40001 the user was erased at this moment (retry).
create or replace function public.adjust_balance(
  p_telegram_id bigint, p_amount numeric, p_reason text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_known public.balance_transactions;
  v_id bigint;
begin
  if p_amount is null or p_amount = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) >= 10000000000 then
    raise exception 'the amount must not be zero and must have at most two decimals' using errcode = 'L0004';
  elsif coalesce(p_reason, '') = '' or coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reason and a reference of the form service:number are required' using errcode = 'L0004';
  end if;

  v_user := private.find_or_create_user(p_telegram_id);
  select t.* into v_known from public.balance_transactions as t where t.reference = p_reference;
  if found then
    if v_known.user_id is distinct from v_user.id or v_known.amount <> p_amount then
      raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
    end if;
    return jsonb_build_object(
      'balance', v_user.balance::text, 'applied', false, 'transaction_id', v_known.id
    );
  elsif v_user.balance + p_amount < 0 then
    raise exception 'the balance would become negative' using errcode = 'L0002';
  end if;

  begin
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, p_amount, v_user.balance + p_amount, p_reason, p_reference)
    returning id into v_id;
  exception when unique_violation then
    -- A concurrent call used the reference for another user.
    raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
  end;
  update public.users as u set balance = u.balance + p_amount where u.id = v_user.id
  returning u.* into v_user;
  return jsonb_build_object('balance', v_user.balance::text, 'applied', true, 'transaction_id', v_id);
end
$$;

revoke all on function public.adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.adjust_balance to bot_backend, service_role;
comment on function public.adjust_balance is 'Changes a user''s balance, once per reference';

-- Stores a finished training of another service of the owner, once per user, bot and reference. Our own trainer stores
-- its trainings itself (public.finish_training). It awards nothing: see public.award_xp.
--
-- p_training: {scenario, score, clarity_level, question_count} and, where there are any, {mode, contextual_questions,
-- per_type_counts, case_data, session_snapshot, training_date}. Counts are whole numbers; the date is not in the future,
-- and the whole has at most 256 kB.
--
-- Concurrency: the reference is unique; a repeated one stores nothing.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true where it is stored now.
-- Errors: Z0004 no such user; S0001 the bot's name is invalid; Z0002 the training or the reference is invalid; Z0003 the
--   reference was used with another score or scenario.
create or replace function public.save_training_history(
  p_telegram_id bigint, p_bot text, p_reference text, p_training jsonb
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_row public.training_history;
begin
  perform private.check_bot_name(p_bot);
  if coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'Z0002';
  end if;
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  if jsonb_typeof(p_training) is distinct from 'object' or length(p_training::text) > 262144 then
    raise exception 'the training is invalid' using errcode = 'Z0002';
  end if;
  begin
    v_row := jsonb_populate_record(
      null::public.training_history,
      jsonb_build_object(
        'mode', 'practice', 'contextual_questions', 0, 'per_type_counts', '{}'::jsonb, 'case_data', '{}'::jsonb,
        'session_snapshot', '{}'::jsonb, 'training_date', private.clock()
      ) || p_training
    );
    if length(v_row.scenario) > 64
      or v_row.training_date not between '2000-01-01' and private.clock() + interval '1 day'
      or exists (
        select
          from jsonb_each(v_row.per_type_counts) as c
         where length(c.key) > 64 or c.value::text !~ '^[0-9]{1,6}$'
      )
    then
      raise exception 'the training is invalid' using errcode = 'Z0002';
    end if;
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      v_user_id, p_bot, p_reference, v_row.scenario, v_row.mode, v_row.score, v_row.clarity_level,
      v_row.question_count, v_row.contextual_questions, v_row.per_type_counts, v_row.case_data,
      v_row.session_snapshot, v_row.training_date
    )
    on conflict (user_id, bot, reference) do nothing;
  exception
    when check_violation or not_null_violation or invalid_text_representation or invalid_datetime_format
      or datetime_field_overflow or numeric_value_out_of_range or invalid_parameter_value
    then
      raise exception 'the training is invalid' using errcode = 'Z0002';
  end;
  if found then
    return true;
  end if;
  if not exists (
    select
      from public.training_history as h
     where h.user_id = v_user_id
       and h.bot = p_bot
       and h.reference = p_reference
       and (h.scenario, h.score) = (v_row.scenario, v_row.score)
  ) then
    raise exception 'the reference was used with another score or scenario' using errcode = 'Z0003';
  end if;
  return false;
end
$$;

revoke all on function public.save_training_history from public, anon, authenticated, service_role;
grant execute on function public.save_training_history to bot_backend, service_role;
comment on function public.save_training_history is 'Stores a finished training of another service';

-- Awards a badge to a user, once per badge and bot (public.award_badge for other SQL functions). A badge that was revoked
-- stays revoked.
--
-- Concurrency: of several calls at once the primary key of user_badges lets one insert.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true once: when the user receives the badge now.
-- Errors: Z0002 the name of the badge, the bot or the metadata are invalid; Z0004 no such user.
create or replace function private.award_badge(
  p_user_id bigint, p_bot text, p_badge text, p_metadata jsonb default '{}'
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_bot, ' ') !~ '^([a-z][a-z0-9_]{0,31})?$' or coalesce(p_badge, '') !~ '^[a-z][a-z0-9_]{0,63}$'
    or coalesce(jsonb_typeof(p_metadata), '') <> 'object' or octet_length(p_metadata::text) > 4000
  then
    raise exception 'the badge, the bot or the metadata are invalid' using errcode = 'Z0002';
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.user_badges (user_id, badge, bot, metadata)
  values (p_user_id, p_badge, p_bot, p_metadata)
  on conflict (user_id, badge, bot) do nothing;
  return found;
end
$$;

revoke all on function private.award_badge from public, anon, authenticated, service_role;
comment on function private.award_badge is 'Awards a badge to a user, once';

-- Gives a user XP, once per user, rule and reference (public.award_xp for other SQL functions). The limits of the rule may
-- lower the points, also to zero; such an award is recorded too, so that a repetition does not give them later.
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the row of the first
--   call. total_xp and level change in the same statement.
-- Locks: user (NO KEY UPDATE), then as private.move_on_boards; private.fold_board_changes waits for none.
-- Returns: jsonb
--   ...public.award_xp
-- Errors: Z0002 the points, the bot or the reference are invalid; Z0003 the reference was used with other points or in another bot;
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
    or coalesce(p_bot, ' ') !~ '^([a-z][a-z0-9_]{0,31})?$' or coalesce(p_reference, '') = '' or length(p_reference) > 200
  then
    raise exception 'the points, the bot or the reference are invalid' using errcode = 'Z0002';
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

-- Sets how a user appears on boards: the display name (null: a number instead) and whether lists leave the user out.
--
-- Concurrency: the user's row is locked, as for awards; the last call wins.
-- Locks: user (NO KEY UPDATE), board_profiles, the user's rows of board_scores.
-- Returns: jsonb
--   outcome: 'saved' | 'invalid_name'   (invalid: longer than 32 characters, without a letter, with a link or an @name, or
--     with characters that are invisible or that cover other lines)
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
    and v_name !~* '[[:cntrl:]@]|://|www\.|t\.me|[a-zа-я0-9]\.(ru|com|net|org|io|me|info|рф|su|ua|by|kz|uz|de|uk|eu|us|to)\M'
    and v_name !~* '[a-z0-9]\.(ly|gg|cc|tv|co|ai|biz|xyz|app|dev|pro|top|club|site|shop|store|link|live|online|space|click)\M'
    -- No invisible characters, those that count as letters included, and none that turn the direction of the text.
    and v_name !~ '[\u00ad\u034f\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]'
    -- No heaps of marks, which cover the lines above and below; a letter has at most two.
    and v_name !~ '[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3}'
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
