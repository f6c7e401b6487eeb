-- Collects what is stored about a user's payments: orders, payments, refunds, what was fulfilled, renewals and events
-- of providers. Data about another person who paid for the user are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.payments_section(p_user public.users)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user.id
       and coalesce(p.claims ->> 'telegram_id', p_user.telegram_id::text) = p_user.telegram_id::text
    union
    select p.* from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
  )
  select jsonb_build_object(
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'user_id' order by o.id), '[]')
        from public.orders as o
       where o.user_id = p_user.id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['user_id', 'claims'] order by p.id), '[]') from own as p
    ),
    'operations', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.payment_id, o.created_at, o.kind, o.operation_id), '[]')
        from public.payment_operations as o
       where o.payment_id = any(array(select p.id from own as p))
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'admin_email' order by r.id), '[]')
        from public.refunds as r
       where r.payment_id = any(array(select p.id from own as p))
    ),
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.payment_id, e.effect), '[]')
        from public.payment_effects as e
       where e.user_id = p_user.id
    ),
    'gifts', (
      select coalesce(
          jsonb_agg(to_jsonb(g) - array['user_id', 'token', 'taken_by', 'ends_at', 'seconds', 'seconds_revoked'] order by g.payment_id),
          '[]'::jsonb
        )
        from public.gifts as g
       where g.user_id = p_user.id
    ),
    'gifts_received', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'product_key', g.product_key, 'taken_at', g.taken_at, 'seconds', g.seconds,
              'seconds_revoked', g.seconds_revoked, 'revoked_at', g.revoked_at
            )
            order by g.taken_at, g.payment_id
          ),
          '[]'::jsonb
        )
        from public.gifts as g
       where g.taken_by = p_user.id
    ),
    'renewals', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'user_id' order by r.id), '[]')
        from public.renewals as r
       where r.user_id = p_user.id
    ),
    'events', (
      select coalesce(jsonb_agg(to_jsonb(e) - array['id', 'user_id'] order by e.received_at, e.id), '[]')
        from public.payment_events as e
       where e.user_id = p_user.id
    )
  );
$$;

revoke all on function private.payments_section from public, anon, authenticated, service_role;
comment on function private.payments_section is 'Collects what is stored about a user''s payments';
