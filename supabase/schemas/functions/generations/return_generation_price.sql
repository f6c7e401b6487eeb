-- Gives back a part of what a job took, as one effect: requests to where they came from on the day they counted for, an
-- amount to the balance.
--
-- Concurrency: the caller has locked the job and its user. An effect exists once, and a second call gives nothing back.
-- Locks: as private.release_usage and public.adjust_balance.
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.return_generation_price(
  p_job public.generations, p_effect text, p_plan_requests integer, p_bonus_requests integer, p_amount numeric
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.generation_effects (generation_id, effect, plan_requests, bonus_requests, amount)
  values (p_job.id, p_effect, -p_plan_requests, -p_bonus_requests, -p_amount)
  on conflict (generation_id, effect) do nothing;
  if not found then
    return;
  end if;
  for v_number in 1 .. p_plan_requests loop
    perform private.release_usage(p_job.user_id, p_job.bot, p_job.day, 'plan');
  end loop;
  for v_number in 1 .. p_bonus_requests loop
    perform private.release_usage(p_job.user_id, p_job.bot, p_job.day, 'bonus');
  end loop;
  if p_amount > 0 then
    perform public.adjust_balance(
      (select u.telegram_id from public.users as u where u.id = p_job.user_id),
      p_amount, 'generation', format('generations:%s:%s', p_job.id, p_effect)
    );
  end if;
end
$$;

revoke all on function private.return_generation_price from public, anon, authenticated, service_role;
comment on function private.return_generation_price is 'Gives back a part of what a job took';
