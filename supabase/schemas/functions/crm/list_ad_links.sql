-- Lists links of advertisements with what they brought: users, those who paid, and their payments in each currency, less refunds.
-- Users who were erased stay in the counters, and their payments no longer count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     key: text
--     name: text
--     visits: int
--     new_users: int
--     buyers: int
--     revenue: [ { currency: text, amount: text } ]
--     is_archived: boolean
--     created_at: text
--   } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_ad_links(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', l.id, 'key', l.key, 'name', l.name, 'visits', l.visits, 'new_users', l.new_users,
            'buyers', (
              select count(distinct p.user_id)
                from public.ad_link_visits as v
                join public.payments as p on p.user_id = v.user_id
               where v.link_id = l.id and v.is_source and p.status = 'completed' and not p.is_test
            ),
            'revenue', (
              select coalesce(jsonb_agg(jsonb_build_object('currency', r.currency, 'amount', r.amount::text) order by r.currency), '[]'::jsonb)
                from (
                  select p.currency, sum(p.amount - p.refunded - p.disputed) as amount
                    from public.ad_link_visits as v
                    join public.payments as p on p.user_id = v.user_id
                   where v.link_id = l.id and v.is_source and p.status = 'completed' and not p.is_test
                   group by p.currency
                ) as r
            ),
            'is_archived', l.archived_at is not null, 'created_at', l.created_at
          )
          order by l.archived_at is not null, l.id desc
        ),
        '[]'::jsonb
      )
      from public.ad_links as l
  );
end
$$;

revoke all on function public.list_ad_links from public, anon, authenticated, service_role;
grant execute on function public.list_ad_links to bot_backend;
comment on function public.list_ad_links is 'Lists links of advertisements with what they brought';
