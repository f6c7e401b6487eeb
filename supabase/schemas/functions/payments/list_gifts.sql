-- Lists the gifts that a user has bought, the newest first: at most 50, or the one with p_id.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     token: text            (what the link holds)
--     bot: text              (the bot of the link)
--     texts: product_texts
--     state: 'waiting' | 'taken' | 'expired' | 'revoked'
--     expires_at: timestamptz
--     taken_at: timestamptz | null
--   } ]
-- Errors: none.
create or replace function public.list_gifts(p_user_id bigint, p_id bigint default null)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(private.gift_card(g) order by g.payment_id desc), '[]'::jsonb)
    from (
      select f.*
        from public.gifts as f
       where f.user_id = p_user_id and f.payment_id = coalesce(p_id, f.payment_id)
       order by f.payment_id desc
       limit 50
    ) as g;
$$;

revoke all on function public.list_gifts from public, anon, authenticated, service_role;
grant execute on function public.list_gifts to bot_backend;
comment on function public.list_gifts is 'Lists the gifts that a user has bought';
