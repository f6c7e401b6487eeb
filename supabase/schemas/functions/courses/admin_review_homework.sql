-- Accepts a learner's homework, or returns it with a comment, in an admin's name. The learner gets a message.
--
-- Concurrency: the submission is locked; of two reviews the first counts.
-- Locks: submission.
-- Returns: jsonb
--   {
--     outcome: 'reviewed'
--       | 'known'          (reviewed before)
--     state: 'returned' | 'accepted'
--     outgoing: outgoing   (the message to the learner, sent once)
--   } | null               (no such submission)
-- Errors: N0001 neither an admin nor an author; N0004 the comment is missing (returned) or longer than 10,000 characters.
create or replace function public.admin_review_homework(
  p_submission_id bigint, p_is_accepted boolean, p_comment text, p_admin_email text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_comment constant text := nullif(btrim(p_comment, E' \t\r\n'), '');
  v_submission public.homework_submissions;
  v_user public.users;
  v_titles jsonb;
begin
  if length(v_comment) > 10000 or (not p_is_accepted and v_comment is null) then
    raise exception 'a returned homework needs a comment of at most 10000 characters' using errcode = 'N0004';
  end if;
  select h.* into v_submission from public.homework_submissions as h where h.id = p_submission_id for update;
  if not found then
    return null;
  elsif v_submission.state <> 'submitted' then
    return jsonb_build_object('outcome', 'known', 'state', v_submission.state, 'outgoing', '[]'::jsonb);
  end if;
  update public.homework_submissions as h
     set state = case when p_is_accepted then 'accepted' else 'returned' end,
         comment = v_comment,
         reviewer_email = v_email,
         reviewed_at = private.clock()
   where h.id = p_submission_id
  returning h.* into v_submission;
  select u.* into v_user
    from public.users as u
   where u.id = v_submission.user_id and u.banned_at is null and u.is_active;
  select private.text_titles(l.texts) into v_titles from public.lessons as l where l.id = v_submission.lesson_id;
  return jsonb_build_object(
    'outcome', 'reviewed',
    'state', v_submission.state,
    'outgoing', private.enqueue_user_message(
      v_user.id,
      private.reachable_bot(v_user.id, v_user.telegram_id, null),
      case when p_is_accepted then 'homework_accepted' else 'homework_returned' end,
      jsonb_build_object('lesson', v_titles)
    )
  );
end
$$;

revoke all on function public.admin_review_homework from public, anon, authenticated, service_role;
grant execute on function public.admin_review_homework to bot_backend;
comment on function public.admin_review_homework is 'Accepts or returns homework in an admins name';
