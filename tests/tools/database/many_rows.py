"""Fills a migrated database with many users and all that they have."""

USERS = 20_000

FILL = f"""
    set session_replication_role = replica;  -- no foreign key is checked row by row
    insert into public.users (telegram_id, referral_code, last_activity)
    select 10000 + n, 'code' || n, now() from generate_series(1, {USERS}) as n;
    insert into public.bot_sessions (user_id, bot, chat_id)
    select u.id, 'assistant', u.telegram_id from public.users as u;
    update public.bot_sessions
       set session_data = jsonb_build_object('paste', jsonb_build_object('update_id', user_id))
     where user_id = 9400;
    insert into public.daily_usage (user_id, bot, day, requests)
    select u.id, 'assistant', current_date - d, 3 from public.users as u, generate_series(0, 1) as d;
    insert into public.monthly_usage (user_id, month, requests)
    select u.id, m.month, 3 from public.users as u,
      unnest(array[date_trunc('month', now()), '2025-01-01']::date[]) as m (month);
    insert into public.monthly_api_usage
    select m.user_id, m.month, p.provider, 'm', false, 1, 0, 1, 1, 0, 1 from public.monthly_usage as m,
      unnest(array['openai', 'openrouter']) as p (provider);
    insert into public.daily_totals (day, provider, model, is_user_api_key, shard, calls)
    select current_date - d, 'openai', 'm' || m, false, s, 1
    from generate_series(0, 400) as d, generate_series(1, 5) as m, generate_series(0, 15) as s;
    select private.maintain_usage_partitions();
    insert into public.api_usage
      (user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes, is_user_api_key,
       created_at)
    select u.id, 'assistant', 'openai', 'm', 'chat', 'ok', 1, 1, 1, false, now() + interval '30 days' * d
    from public.users as u, generate_series(0, 1) as d;
    insert into public.user_referrals (referrer_id, referred_id, status)
    select (u.id - 1) / 3 + 1, u.id, 'pending' from public.users as u where u.id > 1000;
    insert into public.messages (user_id, bot, chat_id, role, content, created_at)
    select s.user_id, s.bot, s.chat_id, 'user', 'words', now() - make_interval(days => n * 20)
    from generate_series(1, 10) as n, public.bot_sessions as s;
    insert into public.ai_memory (user_id, bot, content, reference)
    select u.id, 'assistant', 'words', u.id || ':' || n from public.users as u, generate_series(1, 3) as n;
    insert into public.ai_memory_proposals (user_id, bot, content, created_at)
    select u.id, 'assistant', 'words ' || n, now() - make_interval(days => n * 20 + (u.id % 20)::integer)
    from public.users as u, generate_series(1, 3) as n;
    insert into public.ai_conversations (user_id, bot, chat_id, name, reference)
    select s.user_id, s.bot, s.chat_id, 'words', s.user_id || ':' || n
    from generate_series(1, 3) as n, public.bot_sessions as s;
    insert into public.ai_conversation_files (conversation_id, user_id, name, content)
    select c.id, c.user_id, 'words', 'words' from public.ai_conversations as c;
    insert into public.shared_conversations (
      token, user_id, bot, bot_username, chat_id, thread_id, conversation_id, first_message, last_message,
      message_count, digest, is_cut, reference
    )
    select 'token:' || s.user_id, s.user_id, s.bot, 'bot', s.chat_id, 0, 0, m.first, m.last, 10, 'digest',
      false, s.user_id
    from public.bot_sessions as s
    join (
      select m.user_id, min(m.id) as first, max(m.id) as last from public.messages as m group by m.user_id
    ) as m on m.user_id = s.user_id;
    insert into public.staff (user_id, role) values (9600, 'operator');
    insert into public.conversations (
      user_id, bot, last_message_at, last_seq, last_in_seq, last_version, unread_count, waiting_since
    )
    select s.user_id, s.bot, now() - make_interval(secs => s.user_id), 4, 3, 4, 2,
      case when s.user_id % 50 = 0 then now() - make_interval(secs => s.user_id) end
    from public.bot_sessions as s;
    insert into public.conversation_messages (
      conversation_id, user_id, body, direction, kind, source, seq, version, telegram_message_id, status,
      send_after, created_at
    )
    select c.id, c.user_id, 'words ' || c.user_id, n % 2, 'text',
      case n % 2 when 0 then 'user' else 'staff' end, n + 1, n + 1, n,
      case when n = 3 and c.user_id % 500 = 0 then 'queued' when n % 2 = 1 then 'sent' end,
      now() - interval '1 minute', now() - make_interval(days => n, secs => c.user_id)
    from public.conversations as c, generate_series(0, 3) as n;
    insert into public.conversation_reads (conversation_id, operator_id, read_seq)
    select c.id, 9600, 4 from public.conversations as c where c.id % 2 = 0;
    insert into public.conversation_message_revisions (message_id, body)
    select m.id, 'words' from public.conversation_messages as m where m.seq = 1;
    insert into public.telegram_updates
      (bot, update_id, kind, status, chat_id, user_id, received_at, lease_until, reservation, reserved_on)
    select
      'assistant', s.user_id, 'message', case when s.user_id % 500 = 0 then 'working' else 'finished' end,
      s.chat_id, s.user_id, now() - make_interval(secs => s.user_id * 30),
      case when s.user_id % 500 = 0 then now() - interval '1 hour' end,
      case when s.user_id % 500 = 0 then 'reserved' end, current_date
    from public.bot_sessions as s;
    insert into public.telegram_outbox (bot, chat_id, update_id, method, parameters, send_after)
    select 'assistant', s.chat_id, s.user_id, 'sendMessage', jsonb_build_object('chat_id', s.chat_id),
      now() + make_interval(secs => s.user_id - 20)
    from public.bot_sessions as s;
    insert into public.free_trainings (user_id, source, reference, quantity)
    select u.id, s.name, 'one', 3 from public.users as u, (values ('channel'), ('admin')) as s (name);
    insert into public.access_usages (user_id, reference, quantity, access_type)
    select u.id, 'simulator:' || u.id, 1, 'subscription' from public.users as u;
    insert into public.xp_awards (user_id, bot, rule, reference, requested, points)
    select u.id, 'spin', 'training_finished', 'spin:' || n, 100, 100
    from public.users as u, generate_series(1, 3) as n;
    insert into public.board_scores (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
    select u.id, b.board, p.period, p.starts_on, u.id * 7 % 30000 + 1, now(), true, true
    from public.users as u, (values (''), ('spin')) as b (board),
      (values ('all', date 'epoch'), ('day', current_date), ('week', current_date - 30))
      as p (period, starts_on);
    insert into public.streaks (user_id, current, longest, last_day)
    select u.id, 3, 9, current_date - 1 from public.users as u;
    insert into public.board_profiles (user_id, name) select u.id, 'Anna' from public.users as u;
    select private.rebuild_board_histogram();
    insert into public.user_badges (user_id, badge, bot)
    select u.id, b.badge, 'spin' from public.users as u, (values ('spin_master'), ('story')) as b (badge);
    update public.users set username = 'name' || id;
    insert into public.admins (email, telegram_id) values ('boss@example.com', 19000);
    insert into public.user_milestones (user_id, started_on)
    select u.id, current_date - u.id::integer % 300 from public.users as u;
    insert into public.cohort_activity (cohort_day, day_n, shard, users)
    select current_date - d, n, s, 1
    from generate_series(0, 400) as d, generate_series(1, 30) as n, generate_series(0, 15) as s;
    insert into public.daily_funnel (cohort_day, step, shard, users)
    select current_date - d, n, s, 1 from generate_series(0, 400) as d, generate_series(0, 15) as s,
      unnest(array['answered', 'limited', 'checkout', 'paid']) as n;
    insert into public.analytics_days (day) select current_date - d from generate_series(1, 400) as d;
    insert into public.subscription_events (day, user_id, kind, plan, currency, amount, subscribers)
    select current_date - u.id::integer % 300, u.id, 'new', 'PREMIUM', 'RUB', 499, 1 from public.users as u;
    insert into public.daily_subscriptions (day, currency, mrr, subscribers)
    select current_date - d, 'RUB', 1, 1 from generate_series(1, 400) as d;
    insert into public.trainings (user_id, bot, scenario, version, case_id, mode, difficulty, language, rules,
      reference, created_at, finished_at, status, result)
    select u.id, 'spin', 'spin', 1, 'x', 'practice', 'easy', 'en', '{{}}', 'plan', now() - interval '40 days',
      now() - interval '40 days', 'finished', '{{}}'
    from public.users as u;
    insert into public.audit_log (admin_email, action, user_id, before, after)
    select 'boss@example.com', 'ban_user', u.id, '{{}}', '{{}}' from public.users as u;
    insert into public.audit_log (admin_email, action, user_id, before, after)
    values ('boss@example.com', 'set_plan', 9000, '{{}}', '{{"subscription": null, "replaced": [1]}}');
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    select u.id, 'PREMIUM', case when u.id % 20 = 0 then 'purchase' else 'admin' end,
      now() - interval '9 days', now() + make_interval(secs => u.id * 60 - 600)
    from public.users as u;
    insert into public.user_tokens (user_id, provider, ciphertext, key_id, last_four, is_active)
    select u.id, p.name, '\\x00', 'k1', '1234', p.name = 'openai'
    from public.users as u, (values ('openai'), ('gemini')) as p (name) where u.id % 2 = 0;
    insert into public.daily_active_users (day, shard, active, last_active)
    select d.day, s.shard, 9, 5
    from (select current_date - n from generate_series(0, 799) as n union select '-infinity') as d (day),
      generate_series(0, 15) as s (shard);
    insert into public.orders
      (user_id, product_key, provider, currency, amount, status, kind, plan, period, bot, reference,
       expires_at, checkout_reference, created_at)
    select u.id, 'premium_month', 'stripe', 'RUB', 499,
      case when u.id % 500 = 0 then 'pending' else 'completed' end,
      'subscription', 'PREMIUM', 'month', 'assistant', 'r:' || u.id,
      now() + make_interval(secs => u.id - 9500), 'cs_' || u.id, now() - interval '1 hour'
    from public.users as u;
    insert into public.renewals
      (user_id, product_key, provider, provider_subscription_id, status, currency, amount, plan, period, bot,
       saved_method, charged_until, charge_at)
    select u.id, 'premium_month', 'stripe', 'order:' || u.id,
      case when u.id = 9000 then 'canceled' else 'active' end,  -- who is erased
      'RUB', 499, 'PREMIUM', 'month', 'assistant', 'card', t.moment, t.moment
    from public.users as u
    cross join lateral (select now() + make_interval(secs => u.id * 60 - 600)) as t (moment);
    insert into public.payments
      (provider, provider_payment_id, order_id, user_id, status, currency, amount, claims, completed_at)
    select 'stripe', 'pi_' || o.id, o.id, o.user_id, 'completed', 'RUB', 499,
      jsonb_build_object(
        'order_id', o.id, 'subscription_id', 'sub_' || o.user_id, 'telegram_id', 10000 + o.user_id
      ), now()
    from public.orders as o where o.status = 'completed';
    insert into public.payment_operations (payment_id, kind, operation_id, amount)
    select p.id, 'paid', p.provider_payment_id, 499 from public.payments as p;
    update public.payment_operations
       set happened_at = now() - make_interval(days => (payment_id % 300)::integer);
    insert into public.payment_effects (payment_id, effect, user_id, given)
    select p.id, 'subscription', p.user_id, 2592000 from public.payments as p;
    insert into public.payment_events
      (provider, event_key, user_id, body, events, processed_at, received_at)
    select p.provider, 'evt_' || p.id, case when p.id % 200 > 0 then p.user_id end, '{{}}',
      jsonb_build_array(jsonb_build_object('kind', 'other', 'payment_id', p.provider_payment_id)),
      case when p.id % 500 > 0 then now() end, now()
    from public.payments as p;
    insert into public.promocodes (code, kind, value, uses)
    select 'CODE' || u.id, 'percent', 20, 1 from public.users as u;
    insert into public.promocode_usages (promocode_id, user_id, given, percent, consumed_at)
    select p.id, u.id, '{{}}', 20, case when u.id % 2 = 0 then now() end
    from public.users as u join public.promocodes as p on p.code = 'CODE' || u.id;
    insert into public.promocode_attempts (user_id, day, failed_attempts)
    select u.id, current_date, 2 from public.users as u;
    insert into public.refunds (payment_id, amount, admin_email, status, next_attempt_at)
    select p.id, 9, 'boss@example.com', case when p.id % 100 = 0 then 'open' else 'done' end, now()
    from public.payments as p;
    update public.payments set problem = 'amount' where id % 3 = 0;
    update public.users set balance = 1000 where id = 8000;
    update private.settings set value = '0.5' where key = 'order_reminder_hours';
    insert into public.quiz_runs
      (user_id, bot, kind, topic, day, questions, status, reference, answered, shown, right_answers,
       score, result, created_at, finished_at)
    select u.id, 'quiz', k.kind, '', case when k.kind = 'daily' then current_date end, array['a', 'b'],
      case when k.kind = 'review' then 'open' else 'finished' end, k.kind,
      case when k.kind = 'review' then 0 else 2 end, case when k.kind = 'review' then 1 else 2 end, 0,
      case when k.kind = 'daily' then 200 end, case when k.kind <> 'review' then '{{}}'::jsonb end,
      now() - make_interval(secs => u.id * 900), now()
    from public.users as u, (values ('topic'), ('review'), ('daily')) as k (kind);
    insert into public.quiz_answers
      (run_id, n, user_id, question, version, choice, is_right, seconds, reference)
    select r.id, n, r.user_id, 'a', 'v', '{{0}}', true, 9, 'one'
    from public.quiz_runs as r, generate_series(1, 2) as n where r.status = 'finished';
    insert into public.quiz_cards (user_id, question, state, stability, difficulty, due, last_review)
    select u.id, 'q' || n, 2, 2, 5, now() - interval '1 day', now()
    from public.users as u, generate_series(1, 3) as n;
    insert into public.quiz_totals (user_id, bot, answers) select u.id, 'quiz', 9 from public.users as u;
    insert into public.quiz_topics (user_id, bot, topic, answers)
    select u.id, 'quiz', t.topic, 9 from public.users as u, (values ('needs'), ('closing')) as t (topic);
    insert into public.quiz_days (user_id, bot, day, answers)
    select u.id, 'quiz', private.quiz_day() - n, 9 from public.users as u, generate_series(0, 3) as n;
    insert into public.quiz_challenges (bot, day, questions)
    select 'quiz', private.quiz_day() - n, array['a', 'b'] from generate_series(0, 3) as n;
    insert into public.quiz_reminders (user_id, bot, hour, time_zone, next_at)
    select u.id, 'quiz', 9, 'Europe/Moscow', now() + make_interval(secs => u.id * 60 - 600)
    from public.users as u;
    insert into public.reminders (user_id, bot, words, due_at, sent_at, reference)
    select u.id, 'assistant', 'tea', now() + make_interval(secs => u.id * 60 - 600),
      case when n > 2 then now() - make_interval(secs => u.id * 300) end, 'r:' || n
    from public.users as u, generate_series(1, 4) as n;
    insert into public.quiz_rounds
      (bot, chat_id, user_id, language, questions, reference, closes_at, summarized_at)
    select 'quiz', -u.id, u.id, 'en', array['a', 'b'], 'r:' || u.id, now() - interval '1 hour',
      case when u.id % 500 > 0 then now() - make_interval(secs => u.id * 900) end
    from public.users as u;
    insert into public.quiz_polls
      (bot, poll_id, round_id, n, question, version, correct_option_ids, message_id)
    select 'quiz', r.id || ':' || n, r.id, n, 'a', 'v', '{{0}}', 1
    from public.quiz_rounds as r, generate_series(1, 2) as n;
    insert into public.quiz_poll_answers (bot, poll_id, user_id, choice, is_right)
    select 'quiz', p.poll_id, p.round_id % 20000 + 1, '{{0}}', true from public.quiz_polls as p;
    insert into public.board_scores (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
    select u.id, 'quiz', 'challenge', (now() at time zone 'Europe/Moscow')::date, u.id * 7 % 600 + 1, now(),
      true, true
    from public.users as u;
    select private.rebuild_board_histogram();
    reset session_replication_role;
"""
