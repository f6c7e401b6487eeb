-- Takes over a user of another bot's own table of users (./switchboard adopt). p_hash is the key of the user's tombstone, or
-- empty. p_data, each part optional: {username, first_name, last_name, language, language_code: text, created_at,
-- last_activity: timestamptz, is_banned: boolean, xp: int, balance: numeric, vip_level: int, ends_at: timestamptz (null:
-- the plan does not end), stats: {…}}.
-- Names and languages fill in what is missing of a user whom no bot has seen. Statistics that the bot has already stay. The plan
-- is the highest one up to vip_level. The user is no new user to a referrer.
--
-- Concurrency: the user's row is locked. XP, balance and plan have references with the bot and the Telegram id
--   (import:… and adopt:…), so a repetition gives nothing twice; another amount than then is refused.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   outcome: 'created' | 'changed' | 'unchanged' | 'erased'
--   xp: int                 (given now)
--   balance: numeric        (given now)
--   plan: text | null       (granted now)
-- Errors: L0001 no Telegram user can have this id; L0003 another balance was taken over before; L0004 the balance is invalid;
--   S0001 the bot's name is invalid; Z0002 the XP is invalid; Z0003 other XP was imported before; 40001 the user was erased at
--   this moment (retry).
create or replace function private.adopt_user(p_bot text, p_telegram_id bigint, p_hash text, p_data jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_key constant text := format('adopt:%s:%s', p_bot, p_telegram_id);
  v_created_at constant timestamptz := (p_data ->> 'created_at')::timestamptz;
  v_user public.users;
  v_before public.users;
  v_is_new boolean;
  v_result jsonb;
  v_plan text;
  v_xp integer := 0;
  v_balance numeric := 0;
  v_granted text;
  v_has_stats boolean := false;
begin
  perform private.check_bot_name(p_bot);
  if exists (select from public.erased_users as e where e.user_hash = decode(p_hash, 'hex')) then
    return jsonb_build_object('outcome', 'erased', 'xp', 0, 'balance', '0', 'plan', null);
  end if;
  perform private.check_telegram_id(p_telegram_id);
  insert into public.users as u (
    telegram_id, username, first_name, last_name, language, language_code, is_newcomer, banned_at, has_started, active_on,
    created_at, last_activity
  )
  values (
    p_telegram_id, p_data ->> 'username', coalesce(p_data ->> 'first_name', ''), p_data ->> 'last_name', p_data ->> 'language',
    coalesce(p_data ->> 'language_code', private.default_language()), false,
    case when (p_data ->> 'is_banned')::boolean then v_now end, false, date 'epoch', coalesce(v_created_at, v_now),
    coalesce((p_data ->> 'last_activity')::timestamptz, v_created_at, v_now)
  )
  on conflict (telegram_id) do nothing
  returning u.* into v_user;
  v_is_new := found;
  if not v_is_new then
    v_before := private.find_or_create_user(p_telegram_id);
    v_user := v_before;
    if not v_user.has_started then
      v_user.username := coalesce(v_user.username, p_data ->> 'username');
      v_user.first_name := coalesce(nullif(v_user.first_name, ''), p_data ->> 'first_name', '');
      v_user.last_name := coalesce(v_user.last_name, p_data ->> 'last_name');
      v_user.language := coalesce(v_user.language, p_data ->> 'language');
    end if;
    v_user.created_at := least(v_user.created_at, v_created_at);
    if v_user is distinct from v_before then
      update public.users as u
         set username = v_user.username, first_name = v_user.first_name, last_name = v_user.last_name,
             language = v_user.language, created_at = v_user.created_at
       where u.id = v_user.id;
    end if;
  end if;

  if coalesce((p_data ->> 'xp')::integer, 0) <> 0 then
    v_result := private.award_xp(
      v_user.id, p_bot, 'import', format('import:%s:%s', p_bot, p_telegram_id), (p_data ->> 'xp')::integer
    );
    v_xp := case when (v_result ->> 'awarded')::boolean then (v_result ->> 'points')::integer else 0 end;
  end if;
  if coalesce((p_data ->> 'balance')::numeric, 0) <> 0 then
    v_result := public.adjust_balance(
      p_telegram_id, (p_data ->> 'balance')::numeric, format('taken over from %s', p_bot), v_key
    );
    v_balance := case when (v_result ->> 'applied')::boolean then (p_data ->> 'balance')::numeric else 0 end;
  end if;
  if coalesce((p_data ->> 'ends_at')::timestamptz, 'infinity') > v_now then
    select l.plan into v_plan
      from public.subscription_limits as l
     where l.vip_level between 1 and (p_data ->> 'vip_level')::integer
     order by l.vip_level desc
     limit 1;
  end if;
  if v_plan is not null then
    insert into public.service_grants as g (user_id, kind, quantity, plan, reference)
    values (v_user.id, 'until', 1, v_plan, v_key)
    on conflict (reference) do nothing
    returning g.plan into v_granted;
  end if;
  if v_granted is not null then
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    values (v_user.id, v_plan, 'adopted', v_now, (p_data ->> 'ends_at')::timestamptz);
    perform private.refresh_access(v_user.id);
  end if;
  if p_data ? 'stats' then
    -- A copy stays under "adopted" when the bot computes its statistics anew (public.update_user_stats_after_training).
    insert into public.bot_sessions as s (user_id, bot, chat_id, stats_data, created_at, updated_at)
    values (
      v_user.id, p_bot, p_telegram_id, (p_data -> 'stats') || jsonb_build_object('adopted', p_data -> 'stats'),
      v_user.created_at, greatest(v_user.created_at, v_user.last_activity)
    )
    on conflict (user_id, bot, chat_id, thread_id) do update
      set stats_data = excluded.stats_data || s.stats_data
      where not s.stats_data ?& array(select k.key from jsonb_object_keys(excluded.stats_data) as k (key));
    v_has_stats := found;
  end if;
  return jsonb_build_object(
    'outcome', case
      when v_is_new then 'created'
      when v_xp <> 0 or v_balance <> 0 or v_granted is not null or v_has_stats or v_user is distinct from v_before
        then 'changed'
      else 'unchanged'
    end,
    'xp', v_xp, 'balance', v_balance::text, 'plan', v_granted
  );
end
$$;

revoke all on function private.adopt_user from public, anon, authenticated, service_role;
comment on function private.adopt_user is 'Takes over a user of another bot''s table of users';
