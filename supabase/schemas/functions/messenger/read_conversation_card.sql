-- Returns what a member of the staff sees of the user beside a conversation: plan, balance, usage, purchases, XP, courses, and the
-- notes of the team.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user: {
--     id: bigint, telegram_id: bigint, name: text, username: text | null, language: text, created_at: timestamptz,
--     last_activity: timestamptz, is_active: boolean, is_admin: boolean, banned_at: timestamptz | null,
--     ban_reason: text | null
--   }
--   plan: text
--   plan_ends_at: timestamptz | null
--   requests: int
--   daily_requests: int | null
--   month_requests: int
--   monthly_requests: int | null
--   bonus_credits: int
--   balance: numeric
--   currency: text
--   money: private.user_payment_totals
--   level: int
--   total_xp: bigint
--   referrals: int
--   orders: [ {
--     id: bigint, product: text, titles: { [text]: text }, status: text, amount: numeric, currency: text,
--     created_at: timestamptz, completed_at: timestamptz | null
--   } ]                    (the newest ten)
--   courses: [ {
--     slug: text, titles: { [text]: text }, completed_lessons: int, lessons: int, last_active_at: timestamptz,
--     completed_at: timestamptz | null
--   } ]
--   notes: [ private.conversation_message_row ]       (the newest twenty)
--   plans: [ text ]        (all plans, lowest first)
--   other_conversations: [ { id: bigint, bot: text, last_message_at: timestamptz } ]
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.read_conversation_card(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_quota record;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select u.* into v_user
    from public.conversations as c
    join public.users as u on u.id = c.user_id
   where c.id = p_conversation_id;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  return jsonb_build_object(
    'user', jsonb_build_object(
      'id', v_user.id, 'telegram_id', v_user.telegram_id,
      'name', concat_ws(' ', nullif(v_user.first_name, ''), v_user.last_name), 'username', v_user.username,
      'language', coalesce(v_user.language, v_user.language_code), 'created_at', v_user.created_at,
      'last_activity', v_user.last_activity, 'is_active', v_user.is_active, 'is_admin', v_user.is_admin,
      'banned_at', v_user.banned_at, 'ban_reason', v_user.ban_reason
    ),
    'plan', v_quota.plan,
    'plan_ends_at', private.plan_of(v_user.id) -> 'ends_at',
    'requests', v_quota.requests,
    'daily_requests', v_quota.daily_requests,
    'month_requests', v_quota.month_requests,
    'monthly_requests', v_quota.monthly_requests,
    'bonus_credits', v_user.bonus_credits,
    'balance', v_user.balance::text,
    'currency', private.setting('balance_currency'),
    'money', private.user_payment_totals(v_user.id),
    'level', v_user.level,
    'total_xp', v_user.total_xp,
    'referrals', v_user.total_referrals,
    'orders', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', o.id, 'product', o.product_key, 'titles', private.text_titles(p.texts), 'status', o.status,
              'amount', o.amount::text, 'currency', o.currency, 'created_at', o.created_at, 'completed_at', o.completed_at
            )
            order by o.id desc
          ),
          '[]'::jsonb
        )
        from (
          select n.* from public.orders as n where n.user_id = v_user.id order by n.id desc limit 10
        ) as o
        join public.products as p on p.key = o.product_key
    ),
    'courses', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'slug', c.slug, 'titles', private.text_titles(c.texts),
              'completed_lessons', (
                select count(*)
                  from public.lesson_progress as l
                  join public.lessons as s on s.id = l.lesson_id
                 where l.user_id = v_user.id and s.course_id = c.id and l.completed
              ),
              'lessons', (select count(*) from public.lessons as s where s.course_id = c.id),
              'last_active_at', g.last_active_at, 'completed_at', g.completed_at
            )
            order by g.last_active_at desc
          ),
          '[]'::jsonb
        )
        from public.course_progress as g
        join public.courses as c on c.id = g.course_id
       where g.user_id = v_user.id
    ),
    'notes', (
      select coalesce(jsonb_agg(private.conversation_message_row(n.m) order by (n.m).created_at desc), '[]'::jsonb)
        from (
          select m
            from public.conversation_messages as m
           where m.conversation_id = p_conversation_id and m.kind = 'note'
           order by m.seq desc
           limit 20
        ) as n
    ),
    'plans', (select jsonb_agg(l.plan order by l.vip_level) from public.subscription_limits as l),
    'other_conversations', (
      select coalesce(
          jsonb_agg(jsonb_build_object('id', c.id, 'bot', c.bot, 'last_message_at', c.last_message_at) order by c.id), '[]'::jsonb
        )
        from public.conversations as c
       where c.user_id = v_user.id and c.id <> p_conversation_id
    )
  );
end
$$;

revoke all on function public.read_conversation_card from public, anon, authenticated, service_role;
grant execute on function public.read_conversation_card to bot_backend;
comment on function public.read_conversation_card is 'Returns what a member of the staff sees of the user beside a conversation';
