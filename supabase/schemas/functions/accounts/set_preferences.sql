-- Sets what a user prefers in all bots and on the site: the language, and the currency of prices.
--
-- p_language, p_price_currency: null leaves it.
--
-- Concurrency: the last call counts.
-- Locks: user.
-- Returns: void
-- Errors: none.
create or replace function public.set_preferences(
  p_user_id bigint, p_language text default null, p_price_currency text default null
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.users as u
     set language = coalesce(p_language, u.language), price_currency = coalesce(p_price_currency, u.price_currency)
   where u.id = p_user_id;
$$;

revoke all on function public.set_preferences from public, anon, authenticated, service_role;
grant execute on function public.set_preferences to bot_backend;
comment on function public.set_preferences is 'Sets the language and the currency that a user prefers';
