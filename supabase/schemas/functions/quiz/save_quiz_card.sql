-- Stores when a user should see a question again. p_card: as private.quiz_card returns it.
--
-- Concurrency: the caller holds the user's row and calls once per answer.
-- Locks: the card.
-- Returns: void
-- Errors: none.
create or replace function private.save_quiz_card(p_user_id bigint, p_question text, p_card jsonb, p_is_right boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.quiz_cards as c (user_id, question, state, stability, difficulty, due, last_review, lapses)
  values (
    p_user_id, p_question, (p_card ->> 'state')::smallint, (p_card ->> 'stability')::numeric,
    (p_card ->> 'difficulty')::numeric, (p_card ->> 'due')::timestamptz, (p_card ->> 'last_review')::timestamptz,
    (not p_is_right)::integer
  )
  on conflict (user_id, question) do update
    set state = excluded.state,
        stability = excluded.stability,
        difficulty = excluded.difficulty,
        due = excluded.due,
        last_review = excluded.last_review,
        reviews = c.reviews + 1,
        lapses = c.lapses + excluded.lapses;
end
$$;

revoke all on function private.save_quiz_card from public, anon, authenticated, service_role;
comment on function private.save_quiz_card is 'Stores when a user should see a question again';
