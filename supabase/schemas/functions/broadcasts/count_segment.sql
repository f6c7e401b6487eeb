-- Counts the users that a broadcast would reach now, among up to p_limit users after p_after. The caller adds up the parts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   count: bigint
--   next: bigint | null         (p_after of the next part; null: none is left)
-- Errors: N0009 the role does not allow it, Q0001 the segment is invalid.
create or replace function public.count_segment(
  p_actor_id bigint, p_segment jsonb, p_bot text, p_kind text, p_after bigint default 0, p_limit integer default 100000
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last bigint;
  v_count bigint;
begin
  perform private.require_staff(p_actor_id, 'admin');
  select max(r.id) into v_last
    from (select u.id from public.users as u where u.id > p_after order by u.id limit p_limit) as r;
  execute format('select count(*) from (%s) as r', private.audience_query(p_segment))
    into v_count
    using p_after, coalesce(v_last, p_after), p_bot, p_kind;
  return jsonb_build_object('count', v_count, 'next', v_last);
end
$$;

revoke all on function public.count_segment from public, anon, authenticated, service_role;
grant execute on function public.count_segment to bot_backend;
comment on function public.count_segment is 'Counts the users of a segment, part by part';
