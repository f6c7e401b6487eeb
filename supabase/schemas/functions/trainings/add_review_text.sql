-- Adds a message to the conversation that a user collects for a review, or begins to collect one.
--
-- p_reference: of the update. p_text: null: the draft is only begun. p_max_length: characters of all messages together.
--
-- Concurrency: the user's row is locked; a reference that was added adds nothing again.
-- Locks: user (NO KEY UPDATE), draft.
-- Returns: jsonb
--   outcome: 'added' | 'known' | 'too_long'    (too_long: the message is not added)
--   draft: private.review_draft
-- Errors: Z0004 no such user.
create or replace function public.add_review_text(
  p_user_id bigint, p_bot text, p_reference text, p_text text, p_max_length integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft public.review_drafts;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.review_drafts as d (user_id, bot) values (p_user_id, p_bot) on conflict (user_id, bot) do nothing;
  select d.* into v_draft from public.review_drafts as d where d.user_id = p_user_id and d.bot = p_bot for update;
  if p_text is null or v_draft.parts @> jsonb_build_array(jsonb_build_object('reference', p_reference)) then
    return jsonb_build_object('outcome', 'known', 'draft', private.review_draft(v_draft));
  elsif p_max_length < length(p_text) + (
    select coalesce(sum(length(p.part ->> 'text')), 0) from jsonb_array_elements(v_draft.parts) as p (part)
  ) then
    return jsonb_build_object('outcome', 'too_long', 'draft', private.review_draft(v_draft));
  end if;
  update public.review_drafts as d
     set parts = d.parts || jsonb_build_object('reference', p_reference, 'text', p_text), updated_at = private.clock()
   where d.id = v_draft.id
  returning d.* into v_draft;
  return jsonb_build_object('outcome', 'added', 'draft', private.review_draft(v_draft));
end
$$;

revoke all on function public.add_review_text from public, anon, authenticated, service_role;
grant execute on function public.add_review_text to bot_backend;
comment on function public.add_review_text is 'Adds a message to the conversation that a user collects for a review';
