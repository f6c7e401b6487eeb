-- Finds the discount that a person's next one-off purchase has: of several the greatest, the others wait.
--
-- Twice or at once: only reads. Until something is bought, the last order that was made has it.
-- Returns: the row of promocode_usages, all of it null when there is none.
-- Errors: none.
create or replace function private.discount_of(p_user_id bigint)
returns public.promocode_usages
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select u.*
    from public.promocode_usages as u
   where u.user_id = p_user_id
     and u.percent is not null
     and u.consumed_at is null
     and (u.expires_at is null or u.expires_at > (select private.clock()))
   order by u.percent desc, u.promocode_id
   limit 1;
$$;

revoke all on function private.discount_of from public, anon, authenticated, service_role;
comment on function private.discount_of is 'The discount that a person''s next one-off purchase has';
