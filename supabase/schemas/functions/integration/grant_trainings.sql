-- Gives a user free trainings in the name of a service, once for each user, source and reference.
--
-- Concurrency: the user's row is locked. A repeated reference gives nothing and returns the present state.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: given before)
--   granted: bigint        (free trainings from all sources)
--   left: bigint
-- Errors: L0001 no Telegram user can have this id; S0001 the quantity, source or reference is invalid; S0002 the
--   reference was used with another quantity; 40001 the user was erased at this moment (retry).
create or replace function public.grant_trainings(
  p_telegram_id bigint, p_reference text, p_quantity integer default 1, p_source text default 'service'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_applied boolean;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the number of trainings must be between 1 and 1000000' using errcode = 'S0001';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'S0001';
  elsif coalesce(p_source, '') not in ('service', 'channel', 'promo', 'admin') then
    raise exception 'the source must be service, channel, promo or admin' using errcode = 'S0001';
  end if;
  v_user_id := (private.find_or_create_user(p_telegram_id)).id;
  v_applied := private.give_trainings(v_user_id, p_source, p_reference, p_quantity);
  if not v_applied and not exists (
    select
      from public.free_trainings as f
     where f.user_id = v_user_id and f.source = p_source and f.reference = p_reference and f.quantity = p_quantity
  ) then
    raise exception 'the reference was used with another quantity' using errcode = 'S0002';
  end if;
  return (
    select jsonb_build_object(
        'applied', v_applied,
        'granted', coalesce(sum(f.quantity), 0),
        'left', coalesce(sum(f.quantity - f.used), 0)
      )
      from public.free_trainings as f
     where f.user_id = v_user_id
  );
end
$$;

revoke all on function public.grant_trainings from public, anon, authenticated, service_role;
grant execute on function public.grant_trainings to bot_backend, service_role;
comment on function public.grant_trainings is 'Gives a user free trainings in the name of a service, once per reference';
