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
