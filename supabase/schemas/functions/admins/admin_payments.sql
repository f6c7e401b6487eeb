-- Lists payments for an admin, newest first, page by page: those of a user, paid for the user's orders or by the
-- user; without p_user_id those that need attention, because nothing was fulfilled or a refund is undecided.
--
-- Concurrency: read-only, over an index. A page starts below p_before, so new payments do not shift it.
-- Locks: none.
-- Returns: jsonb
--   payments: [ private.payment_summary ]
--   next: bigint | null    (p_before of the next page)
-- Errors: N0001 not an admin.
create or replace function public.admin_payments(
  p_admin_email text, p_user_id bigint default null, p_before bigint default null, p_limit integer default 8
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_below bigint := coalesce(p_before, 9223372036854775807);
  v_telegram_id text;
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  if p_user_id is null then
    v_ids := array(
      (
        select p.id from public.payments as p
         where p.problem is not null and p.status = 'completed' and p.id < v_below
         order by p.id desc limit v_limit + 1
      )
      union
      (
        select r.payment_id from public.refunds as r
         where r.status in ('open', 'unknown') and r.payment_id < v_below
         order by r.payment_id desc limit v_limit + 1
      )
      order by 1 desc
      limit v_limit + 1
    );
  else
    select u.telegram_id::text into v_telegram_id from public.users as u where u.id = p_user_id;
    -- Each half uses its own index. Materialized, so that the planner does not scan payments by id for the second half.
    v_ids := array(
      with paid_by_user as materialized (
        select p.id from public.payments as p where p.claims ->> 'telegram_id' = v_telegram_id
      )
      (
        select p.id from public.payments as p
         where p.user_id = p_user_id and p.id < v_below
         order by p.user_id desc, p.id desc limit v_limit + 1
      )
      union
      select b.id from paid_by_user as b where b.id < v_below
      order by 1 desc
      limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'payments', (
      select coalesce(jsonb_agg(private.payment_summary(p) order by p.id desc), '[]'::jsonb)
        from public.payments as p
       where p.id = any(v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_payments from public, anon, authenticated, service_role;
grant execute on function public.admin_payments to bot_backend, service_role;
comment on function public.admin_payments is 'Lists payments for an admin';
