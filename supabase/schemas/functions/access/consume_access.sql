-- Takes p_quantity of what is paid for from a user, once per reference: nothing from a user whom a plan covers, else
-- bonus credits, then free trainings; all of it or nothing. For our own code and, through rpc with the secret key,
-- for every other service of the same owner.
--
-- Concurrency: the user's row is locked, and the reference is unique. A repeated reference takes nothing and returns
--   what was taken then. A refusal is not stored, so the same reference may try again.
-- Locks: user (NO KEY UPDATE), then the user's free trainings.
-- Returns: jsonb
--   ...private.resolve_access   (details are those afterwards)
--   applied: boolean       (false: refused, or the reference is known already)
--   taken: { credits: int, trainings: int }
-- Errors: Z0002, the quantity or reference is invalid; Z0003, the reference was used with another user or quantity.
create or replace function public.consume_access(p_telegram_id bigint, p_reference text, p_quantity integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_usage public.access_usages;
  v_access jsonb;
  v_is_known boolean;
  v_credits integer := 0;
  v_trainings integer := 0;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the quantity must be between 1 and 1000000' using errcode = 'Z0002';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'Z0002';
  end if;

  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  select a.* into v_usage from public.access_usages as a where a.reference = p_reference;
  v_is_known := found;
  if v_is_known and (v_usage.user_id, v_usage.quantity) is distinct from (v_user.id, p_quantity) then
    raise exception 'the reference was used with another user or quantity' using errcode = 'Z0003';
  end if;
  v_access := private.resolve_access(v_user, p_quantity);
  if not v_is_known and (v_access ->> 'has_access')::boolean then
    if v_access ->> 'access_type' <> 'subscription' then
      v_credits := least(v_user.bonus_credits, p_quantity);
      v_trainings := p_quantity - v_credits;
      update public.users as u
         set bonus_credits = u.bonus_credits - v_credits
       where u.id = v_user.id
      returning u.* into v_user;
      perform private.use_trainings(v_user.id, v_trainings);
    end if;
    begin
      insert into public.access_usages as a (user_id, reference, quantity, access_type, credits, trainings)
      values (v_user.id, p_reference, p_quantity, v_access ->> 'access_type', v_credits, v_trainings)
      returning a.* into v_usage;
    exception when unique_violation then
      -- A concurrent call used the reference for another user.
      raise exception 'the reference was used with another user or quantity' using errcode = 'Z0003';
    end;
    v_access := private.resolve_access(v_user, p_quantity);
  end if;
  return v_access || jsonb_build_object(
    'has_access', v_usage.id is not null,
    'access_type', coalesce(v_usage.access_type, 'none'),
    'applied', v_usage.id is not null and not v_is_known,
    'taken', jsonb_build_object(
      'credits', coalesce(v_usage.credits, 0), 'trainings', coalesce(v_usage.trainings, 0)
    )
  );
end
$$;

revoke all on function public.consume_access from public, anon, authenticated, service_role;
grant execute on function public.consume_access to bot_backend, service_role;
comment on function public.consume_access is 'Takes what is paid for from a user, once per reference';
