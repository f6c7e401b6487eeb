-- Lists the users who referred the most others in a period, for contests and reports of other services: p_since
-- included, p_until excluded (null: until now), 100 at most.
--
-- Concurrency: read-only, over user_referrals_completed_at_idx.
-- Locks: none.
-- Returns: jsonb
--   [ { user_id: bigint, telegram_id: bigint, first_name: text, username: text | null, referrals: int, credits: int } ]
--                          (the most first)
-- Errors: none.
create or replace function public.top_referrers(
  p_since timestamptz, p_until timestamptz default null, p_limit integer default 10
)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'user_id', u.id,
        'telegram_id', u.telegram_id,
        'first_name', u.first_name,
        'username', u.username,
        'referrals', t.referrals,
        'credits', t.credits
      )
      order by t.referrals desc, u.id
    ),
    '[]'::jsonb
  )
  from (
    select r.referrer_id, count(*) as referrals, sum(r.referrer_credits) as credits
      from public.user_referrals as r
     where r.status = 'completed'
       and r.referrer_id is not null
       and r.completed_at >= p_since
       and (p_until is null or r.completed_at < p_until)
     group by r.referrer_id
     order by count(*) desc, r.referrer_id
     limit least(p_limit, 100)
  ) as t
  join public.users as u on u.id = t.referrer_id;
$$;

revoke all on function public.top_referrers from public, anon, authenticated, service_role;
grant execute on function public.top_referrers to bot_backend, service_role;
comment on function public.top_referrers is 'Lists the users who referred the most others in a period';
