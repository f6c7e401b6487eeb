-- Returns for an admin the newest figures of the database's health, and those of the last 30 days as lines: the highest value of
-- every four hours. Values are null where a figure is not available.
--
-- Concurrency: read-only; it reads what public.record_health kept.
-- Locks: none.
-- Returns: jsonb
--   environment: text | null       (name of this database; null: it has none)
--   at: timestamptz | null         (of the newest figures; null: none yet)
--   figures: [ {
--     kind: text, value: numeric | null, names: [ text ]
--     most: numeric | null         (the limit; null: none)
--     is_bad: boolean
--     alerted_at: timestamptz | null   (of the alarm that lasts; null: none)
--   } ]
--   lines: { [text]: [ { at: timestamptz, value: numeric } ] }    (by kind, oldest first)
-- Errors: N0001 not an admin.
create or replace function public.admin_health(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at timestamptz;
  v_figures jsonb := '[]'::jsonb;
  v_lines jsonb := '{}'::jsonb;
begin
  perform private.require_admin(p_admin_email);
  select max(h.at) into v_at from private.health_samples as h;
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'kind', h.kind, 'value', h.value::text, 'names', h.names, 'most', m.most::text,
          'is_bad', coalesce(h.value >= m.most, false), 'alerted_at', a.alerted_at
        )
        order by h.kind
      ),
      '[]'::jsonb
    )
    into v_figures
    from private.health_samples as h
    cross join lateral (select nullif(private.setting('health_' || h.kind)::numeric, 0) as most) as m
    left join private.health_alerts as a on a.kind = h.kind and a.resolved_at is null
   where h.at = v_at;
  select coalesce(jsonb_object_agg(l.kind, l.points), '{}'::jsonb) into v_lines
    from (
      select b.kind, jsonb_agg(jsonb_build_object('at', b.at, 'value', b.value::text) order by b.at) as points
        from (
          select h.kind, date_bin('4 hours', h.at, timestamptz '2000-01-01 00:00+00') as at, max(h.value) as value
            from private.health_samples as h
           where h.at > private.clock() - interval '30 days' and h.value is not null
           group by 1, 2
        ) as b
       group by b.kind
    ) as l;
  return jsonb_build_object(
    'environment', (select i.environment from private.database_identity as i),
    'at', v_at,
    'figures', v_figures,
    'lines', v_lines
  );
end
$$;

revoke all on function public.admin_health from public, anon, authenticated, service_role;
grant execute on function public.admin_health to bot_backend, service_role;
comment on function public.admin_health is 'Returns the figures of the database''s health, now and over 30 days';
