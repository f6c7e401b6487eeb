-- Says whether a user takes marketing messages.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   takes: boolean
-- Errors: none.
create or replace function public.takes_marketing(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('takes', not exists (
    select from public.message_consents as c where c.user_id = p_user_id and c.unsubscribed_at is not null
  ));
$$;

revoke all on function public.takes_marketing from public, anon, authenticated, service_role;
grant execute on function public.takes_marketing to bot_backend;
comment on function public.takes_marketing is 'Whether a user takes marketing messages';
