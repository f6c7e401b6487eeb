-- Describes a gift for its buyer.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, as an entry of public.list_gifts.
-- Errors: none.
create or replace function private.gift_card(p_gift public.gifts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_gift.payment_id,
      'token', p_gift.token,
      'bot', p_gift.bot,
      'texts', p.texts,
      'state', case
        when p_gift.revoked_at is not null then 'revoked'
        when p_gift.taken_at is not null then 'taken'
        when p_gift.expires_at <= private.clock() then 'expired'
        else 'waiting'
      end,
      'expires_at', p_gift.expires_at,
      'taken_at', p_gift.taken_at
    )
    from public.products as p
   where p.key = p_gift.product_key;
$$;

revoke all on function private.gift_card from public, anon, authenticated, service_role;
comment on function private.gift_card is 'Describes a gift for its buyer';
