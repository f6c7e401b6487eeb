-- Issues the certificate of a passed exam, once; it carries the name that the user has in Telegram at that moment.
--
-- Concurrency: user and training are locked in the order of an erasure; a certificate that exists is returned again.
-- Locks: user (KEY SHARE), training.
-- Returns: jsonb
--   { number: text, name: text, scenario: text, score: int, passed_at: timestamptz } | null    (null: not passed)
-- Errors: none.
create or replace function public.issue_certificate(p_user_id bigint, p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_training public.trainings;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if not coalesce(private.is_passed(v_training), false) then
    return null;
  end if;
  insert into public.certificates (training_id, user_id, name)
  select v_training.id, u.id, concat_ws(' ', u.first_name, u.last_name) from public.users as u where u.id = p_user_id
  on conflict (training_id) do nothing;
  return public.find_certificate(
    (select c.number from public.certificates as c where c.training_id = v_training.id)
  );
end
$$;

revoke all on function public.issue_certificate from public, anon, authenticated, service_role;
grant execute on function public.issue_certificate to bot_backend;
comment on function public.issue_certificate is 'Issues the certificate of a passed exam, once; it carries the name that the user has in Telegram at that moment';
