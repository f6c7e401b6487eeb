-- Adds to the figures of a day, bot and member of the staff.
--
-- Concurrency: the day's row is locked.
-- Locks: the day's counter.
-- Returns: void
-- Errors: none.
create or replace function private.count_in_messenger(p_bot text, p_operator_id bigint, p_closed integer default 0, p_rating integer default null)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.messenger_days as d (day, bot, operator_id, closed, ratings, rating_sum)
  values (
    private.messenger_day(), p_bot, coalesce(p_operator_id, 0), p_closed, (p_rating is not null)::integer, coalesce(p_rating, 0)
  )
  on conflict (day, bot, operator_id) do update
    set closed = d.closed + excluded.closed,
        ratings = d.ratings + excluded.ratings,
        rating_sum = d.rating_sum + excluded.rating_sum;
$$;

revoke all on function private.count_in_messenger from public, anon, authenticated, service_role;
comment on function private.count_in_messenger is 'Adds to the figures of a day';
