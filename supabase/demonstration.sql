-- Users to look at in a development database: `./switchboard database seed`. No Telegram user has ids as high as theirs, and
-- running it again changes nothing. An environment that is protected is refused.

select public.get_or_create_user(d.telegram_id, d.username, d.first_name, d.last_name, d.language_code)
  from (values
    (4503599627370401, 'demo_anna', 'Анна', 'Смирнова', 'ru'),
    (4503599627370402, 'demo_boris', 'Борис', 'Кузнецов', 'ru'),
    (4503599627370403, 'demo_clara', 'Clara', 'Jones', 'en'),
    (4503599627370404, 'demo_david', 'David', 'Miller', 'en'),
    (4503599627370405, 'demo_elena', 'Елена', null, 'ru'),
    (4503599627370406, 'demo_frank', 'Frank', null, 'en')
  ) as d (telegram_id, username, first_name, last_name, language_code);

select public.grant_subscription(d.telegram_id, d.kind, 'demonstration:plan:' || d.telegram_id, d.quantity)
  from (values
    (4503599627370401, 'month', 1),
    (4503599627370402, 'credits', 100),
    (4503599627370403, 'year', 1)
  ) as d (telegram_id, kind, quantity);

select public.adjust_balance(d.telegram_id, d.amount, 'Demonstration', 'demonstration:balance:' || d.telegram_id)
  from (values (4503599627370401, 500), (4503599627370404, 120.50)) as d (telegram_id, amount);

select public.award_xp(d.telegram_id, d.bot, 'service', 'demonstration:xp', d.points)
  from (values
    (4503599627370401, 'spin', 1850),
    (4503599627370402, 'quiz', 940),
    (4503599627370403, 'spin', 620),
    (4503599627370404, 'quiz', 300),
    (4503599627370405, 'assistant', 70)
  ) as d (telegram_id, bot, points);

select public.save_training_history(d.telegram_id, 'spin', 'demonstration:' || d.number, jsonb_build_object(
    'scenario', 'spin', 'score', d.score, 'clarity_level', d.clarity, 'question_count', d.questions,
    'contextual_questions', d.contextual,
    'per_type_counts', jsonb_build_object('situation', 3, 'problem', 3, 'implication', 2, 'need_payoff', 1),
    'training_date', private.clock() - make_interval(days => d.days)
  ))
  from (values
    (4503599627370401, 1, 120, 35, 9, 2, 12),
    (4503599627370401, 2, 165, 55, 9, 3, 7),
    (4503599627370401, 3, 210, 80, 9, 4, 1),
    (4503599627370403, 1, 140, 50, 9, 2, 3)
  ) as d (telegram_id, number, score, clarity, questions, contextual, days);

select public.award_badge(4503599627370401, 'spin', 'spin_master');

-- Nothing is sent to users who do not exist.
delete from public.telegram_outbox
 where chat_id between 4503599627370401 and 4503599627370406;
