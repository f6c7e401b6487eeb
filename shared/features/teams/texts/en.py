"""English texts."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "command_team": "Train as a team",
    "team_about": (
        "👥 **Train as a team**\n\nCreate a team, invite colleagues with a link, assign trainings and see how "
        "they do. To join a team, open the link from your manager."
    ),
    "team_list": "👥 **Your teams**",
    "team_new_button": "➕ Create a team",
    "team_open_button": "👥 Open the team",
    "team_list_button": "👥 All teams",
    "team_back_button": "‹ Back",
    "team_cancel_button": "Cancel",
    "team_ask_name": "✏️ What’s the team called? Send the name.",
    "team_bad_name": "✏️ A name can have 1 to {limit} characters. Send another one.",
    "team_ask_zone": (
        "🕐 Deadlines end at midnight in the team’s time zone, now {zone}. Send a city or an offset, such as "
        "`Berlin` or `UTC+3`. Deadlines that are already set don’t change."
    ),
    "team_bad_zone": "🕐 I don’t know this time zone. Send a city or an offset, such as `Berlin` or `UTC+3`.",
    "team_too_many": "You can be in {limit|team|teams} at most. Leave one first.",
    "team_managed": (
        "👥 **{team}**\n\nYou’re a manager. Members: {count} of {limit}.\n\nInvite link:\n{link}\n\n"
        "Deadlines use this time zone: {zone}."
    ),
    "team_joined_view": (
        "👥 **{team}**\n\nManaged by: {managers}\nMembers: {count}\n\nManagers see the results of assigned "
        "trainings, not your conversations."
    ),
    "team_no_manager": "no one right now",
    "team_share_words": "Join the team “{team}” and train sales calls:",
    "team_assign_button": "🎯 Assign a training",
    "team_report_button": "📊 Results",
    "team_assignments_button": "📋 Assignments",
    "team_members_button": "👤 Members",
    "team_share_button": "📤 Share link",
    "team_rename_button": "✏️ Rename",
    "team_zone_button": "🕐 Time zone",
    "team_renew_button": "🔁 Renew the link",
    "team_leave_button": "🚪 Leave",
    "team_ask_renewal": "🔁 Renew the invite link? The current one stops working. Members stay.",
    "team_renewed": "The link is renewed.",
    "team_link_invalid": "🔗 This invite link is no longer valid. Ask the manager for a new one.",
    "team_invitation": (
        "👥 **You’re invited to “{team}”**\n\nManaged by: {managers}\n\nManagers will see your name and the "
        "results of trainings they assign: score, date, question types. They won’t see your conversations or "
        "your other trainings. You can leave at any time."
    ),
    "team_join_button": "✅ Join",
    "team_decline_button": "No, thanks",
    "team_joined": "🎉 You’ve joined “{team}”. I’ll message you when a training is assigned.",
    "team_known": "👥 You’re already in “{team}”.",
    "team_full": "👥 This team is full. Ask the manager to make room.",
    "team_joined_notice": "👥 {name} has joined “{team}”.",
    "team_joined_last_notice": "👥 {name} has joined “{team}”. I won’t report more today: see /team.",
    "team_inherited_notice": "👥 You’re now the manager of “{team}”: the previous one has deleted their data.",
    "team_new_manager_notice": (
        "👥 “{team}” has a new manager, {name}: the previous one has deleted their data. If you don’t want "
        "{name} to see your results, leave the team."
    ),
    "team_removed_notice": "👥 You’re no longer in “{team}”. Its managers don’t see your results anymore.",
    "team_manager_notice": "👥 You’re now a manager of “{team}”.",
    "team_ask_leaving": (
        "🚪 Leave “{team}”? What was assigned to you there disappears, and managers don’t see your results "
        "anymore. Your own history stays."
    ),
    "team_ask_end": "🚪 Leave “{team}”? You’re the only one there, so the team will be deleted.",
    "team_left": "You’ve left the team.",
    "team_last_manager": "You’re the only manager. Make someone else a manager first.",
    "team_changed": "Changed.",
    "team_members": "👤 **{team}: {count|member|members}**\n\nTap a name to change the role or remove someone.",
    "team_manager_button": "⭐ {name}",
    "team_member_button": "{name}",
    "team_manager_card": "⭐ **{name}**\n\nManager, joined {date}.",
    "team_member_card": "👤 **{name}**\n\nMember, joined {date}.",
    "team_promote_button": "⭐ Make a manager",
    "team_demote_button": "Make a member",
    "team_remove_button": "Remove from the team",
    "team_ask_removal": (
        "Remove {name} from the team? What was assigned there disappears, with the results you see."
    ),
    "team_removed": "Removed.",
    "team_tasks": "🎯 **Assigned to you**",
    "team_task_open": "• {what}: until {until}",
    "team_task_overdue": "• {what}: was due on {until}, you can still do it",
    "team_task_button": "▶️ {what}",
    "team_task_closed": "This training isn’t assigned anymore.",
    "team_start_button": "▶️ Start",
    "team_practice_title": "{scenario}, {case}, {difficulty}",
    "team_exam_title": "Exam: {scenario}, {case}, {difficulty}",
    "team_any_case": "any client",
    "team_any_case_button": "🎲 Any client",
    "team_practice_button": "▶️ Practice",
    "team_exam_button": "🎓 Exam",
    "team_assigned_practice": (
        "🎯 **You have a new training**\n\n{team}\n\nFinish it by the end of {until}."
    ),
    "team_assigned_exam": "🎓 **You have a new exam**\n\n{team}\n\nTake it by the end of {until}.",
    "team_reminder": "⏰ **Due soon**\n\n{team}\n\nFinish by the end of {until}.",
    "team_task_once": "{what}\nTeam: {team}",
    "team_task_round": "{what}\nRound {number} of {rounds}\nTeam: {team}",
    "team_ask_scenario": "🎯 **{team}: what should they train?**",
    "team_ask_case": "🏢 **Which client?** With “Any client” each member gets a client of the difficulty you choose.",
    "team_ask_mode": (
        "**Practice or exam?** In an exam there’s a time limit, no tips, and feedback only at the end."
    ),
    "team_ask_difficulty": "🎚 **How open is the client?**",
    "team_ask_deadline": "📅 **By when?** The day ends at midnight in the team’s time zone.",
    "team_days_button": "{until} ({days|day|days})",
    "team_ask_rounds": "🔁 **How often?** Each round ends a week after the one before.",
    "team_once_button": "Once",
    "team_rounds_button": "Weekly, {count} times",
    "team_assigned": (
        "✅ **Assigned**\n\n{what}\nFirst deadline: {until}\nRounds: {rounds}\n\nI’ve messaged the members and will "
        "remind them a day before the deadline."
    ),
    "team_too_many_assignments": "The team has {limit|running assignment|running assignments}, the limit. Cancel one first.",
    "team_is_empty": "There’s no one to assign to yet. Share the invite link first.",
    "team_assignments": "📋 **{team}: assignments**",
    "team_no_assignments": "📋 **{team}**\n\nNothing is assigned yet.",
    "team_assignment_line": (
        "{number}. {what}\nFirst deadline: {until} · rounds: {rounds}\nDone: {done} · open: {open} · overdue: {overdue}"
    ),
    "team_cancel_number_button": "🗑 Cancel {number}",
    "team_ask_cancellation": "🗑 Cancel this assignment? Results stay.\n\n{what}",
    "team_cancel_assignment_button": "🗑 Cancel the assignment",
    "team_canceled": "Canceled.",
    "team_report": "📊 **{team}: results of assigned trainings**",
    "team_no_report": "📊 **{team}**\n\nNo members yet. Share the invite link first.",
    "team_report_member": "**{name}**\nDone: {done} · late: {late} · open: {open} · overdue: {overdue}",
    "team_report_scores": "Best: {best} · last: {last} {trend} · weakest: {weakest}",
    "team_file_button": "⬇️ Download as CSV",
    "team_file": "Results of “{team}”",
    "team_column_member": "Member",
    "team_column_scenario": "Scenario",
    "team_column_case": "Client",
    "team_column_mode": "Mode",
    "team_column_difficulty": "Difficulty",
    "team_column_round": "Round",
    "team_column_due": "Due",
    "team_column_state": "State",
    "team_column_score": "Best score",
    "team_column_passed": "Passed",
    "team_state_done": "done",
    "team_state_late": "late",
    "team_state_open": "open",
    "team_state_overdue": "overdue",
    "team_passed_yes": "yes",
    "team_passed_no": "no",
    "team_passed_none": "",
    "command_certificate": "Check a certificate",
    "certificate_ask": "🎓 Send the number after the command: `/certificate abcd-efgh-jkmn`.",
    "certificate_unknown": "🎓 There’s no valid certificate with this number.",
    "certificate_valid": "🎓 **This certificate is valid**\n\n{name}\n{scenario}: {score}\nPassed on {date}\nNumber: {number}",
    "certificate_caption": "🎓 **Your certificate**\n\nAnyone can check it here: `/certificate {number}`",
    "certificate_title": "Certificate",
    "certificate_passed": "passed the exam",
    "certificate_score": "Score: {score}",
    "certificate_check": "Check it with @{bot}",
    "certificate_number": "No. {number}",
}
