"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_new_no_chat": "Start a training",
    "command_tip": "Get a tip",
    "command_finish": "Finish and see the result",
    "command_history": "Your progress",
    "menu_new": "🎯 Train",
    "bot_about_spin": "Sales call training: AI plays the client and explains your score.",
    "prompt_spin": "Tap “Train” to start, or choose below.",
    "welcome_spin": (
        "👋 **Hi, {name}!**\n\nPractice sales calls with me. I play the client: ask questions, and the client "
        "opens up about problems, what they cost and what a solution is worth. At the end you see your score "
        "and what each point is for.\n\nStart: /new"
    ),
    "help_spin": "**What I can do**\n\nI play the client in a sales call, and score your questions. Start: /new",
    "trainer_choose_scenario": "🎯 **What would you like to train?**",
    "trainer_scenario_line": "**{name}** — {about}",
    "trainer_choose_case": "🏢 **{scenario}: choose a client**\n\n🟢 easy · 🟡 medium · 🔴 hard · ✓ played recently",
    "trainer_mark_easy": "🟢",
    "trainer_mark_medium": "🟡",
    "trainer_mark_hard": "🔴",
    "trainer_case_button": "{mark} {company}",
    "trainer_case_played_button": "{mark} {company} ✓",
    "trainer_random_button": "🎲 Random client",
    "trainer_back_button": "‹ Back",
    "trainer_card": (
        "🏢 **{company}**\n{size} · {region}\n👤 {name}, {position}\n\n📦 **You sell: {product}**\n{offer}\n\n"
        "📋 {public}"
    ),
    "trainer_reversed_card": (
        "🏢 **{company}**\n{size} · {region}\n👤 {name}, {position}\n\n📦 **You’re offered: {product}**\n\n📋 {public}"
    ),
    "trainer_choose_mode": "How would you like to train?",
    "trainer_practice_button": "▶️ Full call",
    "trainer_drill_button": "{emoji} Only: {type}",
    "trainer_choose_difficulty": (
        "🎚 **How open is the client?**\n\nEasy: general questions work too. Medium: one general question works. "
        "Hard: only precise questions work, and there are no tips.\n\nSuggested for this client: {suggested}."
    ),
    "trainer_easy": "easy",
    "trainer_medium": "medium",
    "trainer_hard": "hard",
    "trainer_easy_button": "🟢 Easy",
    "trainer_medium_button": "🟡 Medium",
    "trainer_hard_button": "🔴 Hard",
    "trainer_known": "💡 **You already know:**\n{known}",
    "trainer_drill": (
        "{emoji} **Drill: {type}**\n{rule}\n\nOnly questions of this type give points. You have {limit} "
        "questions."
    ),
    "trainer_start": "✍️ You have {limit} questions; {minimum} are enough for a score.",
    "trainer_send_first": "Send the first question as a message.",
    # Of a scenario where answers count, too
    "trainer_drill_replies": (
        "{emoji} **Drill: {type}**\n{rule}\n\nOnly this type gives points. You have {limit} replies."
    ),
    "trainer_start_replies": "✍️ You have {limit} replies; {minimum} are enough for a score.",
    "trainer_send_first_replies": "Send the first one as a message: a question or an answer.",
    "trainer_line_none_replies": "💬 Not about the client’s objection, so it didn’t count.",
    "trainer_line_hint_replies": "💬 Ask about the objection or answer it. For example: “{question}”",
    "trainer_tip_button": "💡 Tip",
    "trainer_finish_button": "🏁 Finish",
    "trainer_resume_button": "▶️ Continue",
    "trainer_another_button": "🎯 Start another",
    "trainer_replace_button": "🎯 Drop it and start the new one",
    "trainer_new_button": "🎯 New training",
    "trainer_history_button": "📈 Progress",
    "trainer_none_open": "▶️ **No training is running.**",
    "trainer_start_button": "🎯 Start a training",
    "trainer_cancel": "The training is still running. To end it and see the result, send /finish",
    "trainer_open": (
        "▶️ **You have an unfinished training**\n\n{company}\nQuestions: {questions} · clarity {clarity}%"
    ),
    "trainer_exchange": "**You:** {question}\n**{client}:** {reply}",
    "trainer_so_far": "{questions}/{limit} · clarity {clarity}%. Go on.",
    "trainer_exam_so_far": "{questions}/{limit}. Go on.",
    "trainer_reply": "**{client}:** {reply}",
    "trainer_line_counted": "{emoji} {type} **{points}**{context} · clarity {clarity}% · {number}/{limit}",
    "trainer_line_capped": (
        "{emoji} {type} **{points}**{context} · enough of this type, try another · clarity {clarity}% · "
        "{number}/{limit}"
    ),
    "trainer_line_repeated": "🔁 You’ve already asked this: **{points}** · clarity {clarity}% · {number}/{limit}",
    "trainer_line_other_type": "{emoji} {type} **{points}** · not the type of this drill · {number}/{limit}",
    "trainer_line_context": " (in context)",
    "trainer_line_none": "💬 Not a question about the client’s business, so it didn’t count.",
    "trainer_line_instructions": "💬 Only what you say to the client counts.",
    "trainer_line_hint": "💬 Only questions move you forward. For example: “{question}”",
    "trainer_may_finish": "✅ Clarity is {clarity}%: you can finish now, or go on for more points.",
    "trainer_busy": "⏳ The client is still answering. Send this again after the answer; it didn’t count.",
    "trainer_finish_busy": "⏳ The client is still answering. Finish after the answer, so that your question counts.",
    "trainer_secret": (
        "🔑 This looks like a password or an API key, so I didn’t save it or send it anywhere. Delete the message."
    ),
    "trainer_too_long": (
        "Your message is too long: {length|character|characters}, and the limit is {limit}. Shorten it and send it "
        "again. To score a real conversation: /review"
    ),
    "trainer_gone": "This client is no longer available. Start a new training: your score hasn’t changed.",
    "trainer_gone_open": (
        "This client is no longer available, so the training can’t go on. Finish it to get your score."
    ),
    "trainer_tip": "💡 **Try {emoji} {type}.** {rule}\n\nFor example: “{question}”\n\nIn your own words it’s worth more.",
    "trainer_reversed_button": "🔄 Play the client",
    "trainer_reversed_start": (
        "🔄 **Now you’re the client, and I sell**\n\nI’ll ask {limit|question|questions}, one at a time. Answer as the client "
        "below. At the end, name the type of each question and say whether it was useful."
    ),
    "trainer_reversed_hidden": "🔒 **Only you know this. Give it away when the question is good enough:**\n{hidden}",
    "trainer_reversed_question": "🧑‍💼 **{question}**\n\n{number}/{limit} · answer as the client",
    "trainer_reversed_exchange": "🧑‍💼 {question}\n**You:** {answer}",
    "trainer_reversed_judge_button": "🏁 Judge the questions",
    "trainer_reversed_open": "🔄 **You’re playing the client**\n\n{company}\nAnswers: {answers} of {limit}",
    "trainer_reversed_busy": "⏳ I’m still thinking about the next question. Try again when it’s here.",
    "trainer_tip_reversed": "🔄 You’re the client now, so there are no tips.",
    "trainer_reversed_no_more": "⚖️ The questions are over, so this isn’t an answer. Judge them with the buttons:",
    "trainer_reversed_turn": "⚖️ **Question {number} of {limit}**\n\n🧑‍💼 {question}\n**You:** {answer}",
    "trainer_reversed_ask_type": "What type of question is it?",
    "trainer_reversed_ask_useful": "Did it help the salesperson?",
    "trainer_reversed_useful_button": "👍 Useful",
    "trainer_reversed_useless_button": "👎 Not useful",
    "trainer_reversed_judged": "⚖️ You’ve judged all questions.",
    "trainer_reversed_result": (
        "🔄 **We agree on {matched} of {count|question|questions}**\n\nYou found {useful|question|questions} useful."
    ),
    "trainer_reversed_same": "{number}. ✅ {question}\n{mine}",
    "trainer_reversed_other": "{number}. ✖️ {question}\nYou: {yours} · me: {mine}",
    "trainer_reversed_type": "{emoji} **{type}**: {matched} of {count}. {rule}",
    "trainer_reversed_unanswered": "🔄 **Finished before the first answer.** Nothing was spent.",
    "trainer_reversed_minimum": "Answer at least {minimum|question|questions} to get XP.",
    "command_review": "Score a real conversation",
    "trainer_review_start": (
        "🔎 **Let’s look at a real conversation**\n\nPaste it as text, in one message or several. Start each "
        "line with the speaker, for example “Manager: …” and “Client: …”. Chats copied from Telegram or Zoom "
        "and email threads work, too.\n\nUp to {limit|character|characters}, and I score the salesperson’s "
        "first {questions|question|questions}. It costs one training. Remove names and phone numbers of "
        "others: the text goes to the AI provider, and I keep the questions and answers for {days|day|days}."
    ),
    "trainer_review_added": "📥 Got it: {length} of {limit|character|characters}. Send more, or tap “Done”.",
    "trainer_review_too_long": (
        "That’s too long, so I didn’t add it: the limit is {limit|character|characters}, and you’ve sent {length}."
    ),
    "trainer_review_done_button": "✅ Done",
    "trainer_review_cancel_button": "✖️ Cancel",
    "trainer_review_canceled": "✖️ Canceled. I’ve deleted what you sent.",
    "trainer_review_no_speakers": (
        "🤔 **I can’t tell who is speaking**\n\nStart each line with the speaker: “Manager: …”, “Client: …”. Tap “Start again” "
        "and send the corrected text."
    ),
    "trainer_review_again_button": "🔁 Start again",
    "trainer_review_changed": "📥 Another message arrived while I was scoring, so I haven’t scored anything yet.",
    "trainer_review_scored": "✅ Scored. Here’s the result:",
    "trainer_review_ask_seller": "👤 **Who is the salesperson?**",
    "trainer_review_no_questions": "🤔 **This speaker asks no questions.** Who is the salesperson?",
    "trainer_review_busy": "⏳ I’m already working on it.",
    "trainer_review_score": "🔎 **Your conversation: {score}** · {rank}",
    "trainer_review_figures": "Questions {questions} · in context {contextual}",
    "trainer_review_left_out": "{count|more question was|more questions were} left out.",
    "trainer_review_patterns": "ℹ️ The AI was unavailable, so simple rules labeled the questions. Dispute what’s wrong.",
    "trainer_review_history": "🔎 Your last scored conversations are below.",
    "trainer_review_history_button": "🔎 {date}: {score}",
    "trainer_exam_button": "🎓 Exam",
    "trainer_exam_start": (
        "🎓 **Exam**\n\nYou have {limit} questions, and time until {until}. There are no tips, and you see the result at "
        "the end. Pass mark: {score}."
    ),
    "trainer_exam_open": "🎓 **Your exam is running**\n\n{company}\nQuestions: {questions} · ends at {until}",
    "trainer_line_exam": "🎓 {number}/{limit} · until {until}",
    "trainer_exam_passed": "🎓 **Passed.** Pass mark: {score}",
    "trainer_exam_failed": "🎓 **Not passed.** Pass mark: {score}",
    "trainer_exam_over": "⏰ **Time’s up.** Here’s the result of your exam:",
    "trainer_result_button": "🏁 See the result",
    "trainer_certificate_button": "🎓 Get the certificate",
    "trainer_no_attempts": (
        "🎓 **No attempts left for now.** You get {attempts|attempt|attempts} for each assigned exam, and as "
        "many a day without one. Keep practicing!"
    ),
    "trainer_ask_reason": (
        "⚖️ **What’s wrong here?**\n\n“{question}”\n\nTell us in one message: the type, the context, or anything else. A "
        "person will look at it."
    ),
    "trainer_no_reason_button": "Send without a reason",
    "trainer_line_upheld": "⚖️ You’ve disputed this line. We’ve looked at it, and the points stay.",
    "trainer_line_corrected": "⚖️ You’ve disputed this line, and we’ve corrected it.",
    "trainer_dispute_upheld": (
        "⚖️ **We’ve looked at your dispute, and the points stay**\n\n“{question}”\n\nYour score is still {after}."
    ),
    "trainer_dispute_corrected": (
        "⚖️ **You were right, we’ve corrected the line**\n\n“{question}”\n\nYour score: {before} → {after}. XP changed by {xp}."
    ),
    "trainer_uphold_button": "⚖️ Uphold",
    "trainer_correct_button": "✏️ Correct",
    "trainer_ask_label": (
        "✏️ **Which type is it?**\n\nClient: {answer}\nQuestion: {question}\n\nLabel: {type}, points: {points}\nReason: {reason}"
    ),
    "trainer_ask_context": (
        "✏️ **{type}. Does it take up the client’s words?**\n\nClient: {answer}\nQuestion: {question}"
    ),
    "trainer_in_context_button": "🔗 In context",
    "trainer_not_in_context_button": "Not in context",
    "trainer_you_upheld": "⚖️ Upheld. The user has been notified.",
    "trainer_you_corrected": "✏️ Corrected: score {before} → {after}, XP {xp}. The user has been notified.",
    "trainer_was_upheld": "⚖️ Another admin has already upheld it.",
    "trainer_was_corrected": "⚖️ Another admin has already corrected it.",
    "trainer_dispute_gone": "This dispute no longer exists: the user deleted their data.",
    "trainer_tip_exam": "🎓 There are no tips in an exam. You can do it!",
    "trainer_tip_hard": "🔴 There are no tips on hard. You can do it!",
    "trainer_time_over": "⏰ **Time’s up.** Your last message didn’t count.",
    "trainer_limit_over": "🏁 **No questions left.** Your last message didn’t count.",
    "trainer_unscored": (
        "🏁 **Training finished without a score**\n\nYou asked {questions} of the {minimum} questions that a score "
        "needs. Start again when you have ten minutes."
    ),
    "trainer_score_gone": (
        "🏁 **Score: {score}**\n\nThis scenario is no longer available, so I can’t show the questions."
    ),
    "trainer_not_counted": "⚡ **This training doesn’t count:** it was too short. No XP and no badges.",
    "trainer_score": "🏁 **Score: {score}** · {rank}",
    "trainer_score_drill": "🏁 **Drill finished: {score}**",
    "trainer_figures": "Clarity {clarity}% · questions {questions} · in context {contextual}",
    "trainer_compared": "Last time: {score} ({difference}), clarity {clarity}%",
    "trainer_result_line": "{number}. {emoji} **{points}** {question}",
    "trainer_bonus_coverage": "🎁 **{points}** all types used",
    "trainer_bonus_order": "🎁 **{points}** in the right order",
    "trainer_bonus_depth": "🎁 **{points}** topics taken to the end: {chains}",
    "trainer_open_lines": "Tap a number to see why.",
    "trainer_best": "💪 Strongest: “{question}”",
    "trainer_worst": "🛠 Weakest: “{question}”\nBetter: “{better}”",
    "trainer_xp": "⭐ **{points} XP** · {total} in total",
    "trainer_level_up": "🎉 **New level: {level}!**",
    "trainer_fast": (
        "⚡ **This training doesn’t count:** it took less than {seconds|second|seconds}. No XP, no badges, and it isn’t in "
        "your progress."
    ),
    "trainer_streak": "🔥 Streak: {days|day|days}",
    "trainer_maestro": "👑 Excellent trainings in a row: {count}",
    "trainer_badge": "🏅 New badge: **{badge}**",
    "trainer_line_question": "**You:** {question}\n**Client:** {reply}",
    "trainer_why_counted": "{emoji} **{type}: {points}**\n{rule}",
    "trainer_why_capped": "{emoji} **{type}: {points}**\n{rule} You’ve asked more of this type than give points.",
    "trainer_why_repeated": "{emoji} **{type}: {points}**\nThis repeats an earlier question, so it gives no points.",
    "trainer_why_other_type": "{emoji} **{type}: {points}**\n{rule} It isn’t the type of this drill.",
    "trainer_why_context": "🔗 +{points} for taking up the client’s words: “{fragment}”",
    "trainer_why_copied": "🔗 Nothing for context: this question is a tip.",
    "trainer_why_excess": "➖ More than {count} questions of this type cost {points} points each.",
    "trainer_why_revealed": "🔓 The client disclosed {count|new fact|new facts}.",
    "trainer_dispute_button": "⚖️ Dispute",
    "trainer_line_gone": "⚖️ This result has been deleted, so nothing was sent.",
    "trainer_disputed": "Sent. A person will look at it.",
    "trainer_too_many_disputes": "You’ve disputed 20 lines within 24 hours. Try again tomorrow.",
    "trainer_is_disputed": "⚖️ You’ve disputed this line. A person will look at it.",
    "trainer_no_history": "📈 **No finished trainings yet.** Start your first one!",
    "trainer_history_short": "📈 **No trainings in your progress yet.** Yours were too short to count: a training counts from {minimum|question|questions} and {seconds|second|seconds} on.",
    "trainer_history_reversed": "📈 **No trainings in your progress yet.** It shows the calls in which you sell.",
    "trainer_history": "📈 **Your progress**\n\nTrainings: {count}",
    "trainer_history_line": "{date}: **{score}** · {clarity}% · {company}",
    "trainer_history_button_line": "🏁 {score}",
    "trainer_picture_title": "Progress",
    "trainer_picture_score": "Score",
    "trainer_picture_clarity": "Clarity, %",
    "trainer_picture_types": "Questions by type",
    "trainer_picture_best": "Best: {score}",
    "trainer_no_access": "🎯 **You have no trainings left.** Here’s how to get more:",
    "trainer_first_access": "🎯 **To train, you need a plan or available trainings.** Here’s how to get them:",
    "trainer_access_trial": "✨ Try it free for {days|day|days}: /trial",
    "trainer_access_channel": "📣 Join our channel and get a free training: /trainings",
    "trainer_access_channel_button": "🎓 My trainings",
    "trainer_access_referral": "🎁 Invite a friend: /referral",
    "trainer_access_promo": "🎟 Have a promo code? Send /promo",
    "trainer_access_buy": "⭐ Buy a plan or credits: /buy",
    "trainer_type_none": "doesn’t count",
    "admin_training_dispute": (
        "⚖️ **Disputed line**\n\nUser {user}, training {training}: {scenario}, {case}, message {number}\n\nClient "
        "before: {answer}\nQuestion: {question}\n\nLabel: {type}, points: {points}\n\nReason: {reason}"
    ),
    "trainer_page_total": "{count|training|trainings}",
    "trainer_page_results": "Results",
    "trainer_page_case": "Client",
    "trainer_page_none": "No trainings yet. Start one in the bot: /new.",
    "trainer_page_reviews": "Reviewed conversations",
    "trainer_page_lines": "Your questions",
}
