-- Returns what the first page of an account and its settings show of a user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     created_at: timestamptz
--     balance: numeric
--     currency: text                  (of the balance)
--     bonus_credits: int
--     language: text | null           (chosen by the user)
--     price_currency: text | null     (chosen by the user)
--     receipt_contact: text | null    (of the private chat that was used last)
--   } | null                          (no such user)
-- Errors: none.
create or replace function public.account_overview(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'created_at', u.created_at,
      'balance', u.balance::text,
      'currency', private.setting('balance_currency'),
      'bonus_credits', u.bonus_credits,
      'language', u.language,
      'price_currency', u.price_currency,
      'receipt_contact', (
        select s.session_data ->> 'receipt_contact'
          from public.bot_sessions as s
         where s.user_id = u.id and s.chat_id = u.telegram_id and s.session_data ? 'receipt_contact'
         order by s.updated_at desc
         limit 1
      )
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function public.account_overview from public, anon, authenticated, service_role;
grant execute on function public.account_overview to bot_backend;
comment on function public.account_overview is 'What the first page of an account shows';
