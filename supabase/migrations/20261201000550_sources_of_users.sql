-- Sources of users: links of advertisements in the figures of revenue and in segments.

-- Returns the revenue of a period by currency, product, provider, bot and source of the buyers. Gross is what was received, net is without
-- what was returned, each on its own day; test payments and purchases from the balance are left out (private.revenue_moves).
--
-- cohorts: what users who started in each of the last twelve months have paid so far, refunds subtracted.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   currencies: [ { currency: text, gross: numeric, refunds: numeric, net: numeric, payments: int, refunded: int } ]
--   points: [ { start: date, currency: text, gross: numeric, refunds: numeric, net: numeric } ]
--   groups: [ {
--     dimension: 'product' | 'provider' | 'bot' | 'source'
--     key: text, texts: product_texts | null, name: text | null, currency: text
--     gross: numeric, refunds: numeric, net: numeric, payments: int
--   } ]                             (the greatest first; name: of the advertisement's link)
--   cohorts: [ { month: date, users: int, currency: text, net: numeric } ]
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_revenue(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step text := private.check_period(p_actor_id, p_from, p_until);
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_found jsonb;
begin
  with rows as materialized (
    select r.* from private.revenue_rows(p_from, p_until) as r
  ), grouped as (
    select k.dimension, k.key, r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds, sum(r.payments) as payments
      from rows as r
      cross join lateral (
        values ('product', r.product_key), ('provider', r.provider), ('bot', r.bot), ('source', r.source)
      ) as k (dimension, key)
     group by 1, 2, 3
  ), cohorts as (
    select r.cohort_month, r.currency, sum(r.gross - r.refunds) as net
      from private.revenue_rows(least(p_until, v_today) - 365, least(p_until, v_today)) as r
     where r.cohort_month >= date_trunc('month', p_until::timestamp) - interval '11 months'
     group by 1, 2
  )
  select jsonb_build_object(
      'step', v_step,
      'currencies', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'currency', c.currency, 'gross', c.gross::text, 'refunds', c.refunds::text,
                'net', (c.gross - c.refunds)::text, 'payments', c.payments, 'refunded', c.refunded
              )
              order by c.currency
            ),
            '[]'::jsonb
          )
          from (
            select r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds, sum(r.payments) as payments,
              sum(r.refunded) as refunded
              from rows as r
             group by 1
          ) as c
      ),
      'points', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'start', p.start, 'currency', p.currency, 'gross', p.gross::text, 'refunds', p.refunds::text,
                'net', (p.gross - p.refunds)::text
              )
              order by p.start, p.currency
            ),
            '[]'::jsonb
          )
          from (
            select date_trunc(v_step, r.day::timestamp)::date as start, r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds
              from rows as r
             group by 1, 2
          ) as p
      ),
      'groups', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'dimension', g.dimension, 'key', g.key,
                'texts', case
                  when g.dimension = 'product' then (select p.texts from public.products as p where p.key = g.key)
                end,
                'name', case
                  when g.dimension = 'source' then (select l.name from public.ad_links as l where 'ad_' || l.key = g.key)
                end,
                'currency', g.currency, 'gross', g.gross::text, 'refunds', g.refunds::text,
                'net', (g.gross - g.refunds)::text, 'payments', g.payments
              )
              order by g.dimension, g.currency, g.gross - g.refunds desc, g.key
            ),
            '[]'::jsonb
          )
          from grouped as g
      ),
      'cohorts', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'month', c.cohort_month,
                'users', (
                  select coalesce(sum(t.new_users), 0)
                    from public.daily_totals as t
                   where t.day >= c.cohort_month and t.day < c.cohort_month + interval '1 month' and t.bot = '' and t.provider = '' and t.model = ''
                ),
                'currency', c.currency, 'net', c.net::text
              )
              order by c.cohort_month, c.currency
            ),
            '[]'::jsonb
          )
          from cohorts as c
      )
    )
    into v_found;
  return v_found;
end
$$;

revoke all on function public.analytics_revenue from public, anon, authenticated, service_role;
grant execute on function public.analytics_revenue to bot_backend;
comment on function public.analytics_revenue is 'Returns the revenue of a period';

-- Returns how a user came: ad_<key> (by the link of an advertisement), referral (brought by another user) or direct; unknown of an
-- erased user. private.segment_condition chooses by the same rule.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.user_source(p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_user_id is null then 'unknown'
    else coalesce(
      (
        select 'ad_' || l.key
          from public.ad_link_visits as v
          join public.ad_links as l on l.id = v.link_id
         where v.user_id = p_user_id and v.is_source
      ),
      case
        when exists (select from public.user_referrals as r where r.referred_id = p_user_id) then 'referral' else 'direct'
      end
    )
  end;
$$;

revoke all on function private.user_source from public, anon, authenticated, service_role;
comment on function private.user_source is 'Returns how a user came';

-- Returns what segments can choose from.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plans: [ text ]
--   products: [{ key: text, texts: jsonb }]
--   courses: [{ id: bigint, texts: jsonb }]
--   labels: [{ id: bigint, name: text }]
--   ad_links: [{ key: text, name: text }]      (the newest first, archived ones last)
-- Errors: N0009 the role does not allow it.
create or replace function public.broadcast_choices(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'plans', (select coalesce(jsonb_agg(l.plan order by l.vip_level), '[]'::jsonb) from public.subscription_limits as l),
    'products', (
      select coalesce(jsonb_agg(jsonb_build_object('key', p.key, 'texts', p.texts) order by p.position, p.key), '[]'::jsonb)
        from public.products as p
    ),
    'courses', (
      select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'texts', c.texts) order by c.position, c.id), '[]'::jsonb)
        from public.courses as c
    ),
    'labels', (
      select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name) order by lower(l.name)), '[]'::jsonb)
        from public.messenger_labels as l
    ),
    'ad_links', (
      select coalesce(
          jsonb_agg(jsonb_build_object('key', l.key, 'name', l.name) order by l.archived_at is not null, l.id desc), '[]'::jsonb
        )
        from public.ad_links as l
    )
  );
end
$$;

revoke all on function public.broadcast_choices from public, anon, authenticated, service_role;
grant execute on function public.broadcast_choices to bot_backend;
comment on function public.broadcast_choices is 'What segments can choose from';

-- Writes a segment as a condition of SQL on `u` (public.users) and `c` (public.message_consents, which may be missing). Keys
-- that are absent limit nothing; those that are present must all hold:
--
--   plans: [text]                 the plan is one of these
--   languages: [text]             the language is one of these codes
--   active_days: int              used a bot within so many days
--   inactive_days: int            has not used a bot for so many days
--   course: {id, tier | null}     has access to the course, in this tier
--   without_course: bigint        has no access to the course
--   bought: [text]                has bought one of these products
--   never_paid: true              has never paid
--   label: bigint                 a conversation of the user has this label
--   bands: [text]                 how ready to buy the AI thinks: exploring, interested, serious, ready
--   sources: [text]               came this way (private.user_source): direct, referral, ad_<key>
--   uncontacted_days: int         has had no broadcast for so many days
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: Q0001 an unknown key, or a wrong value.
create or replace function private.segment_condition(p_segment jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_value jsonb;
  v_list text[];
  v_parts text[] := '{}'::text[];
  v_access constant text := 'exists (select from public.enrollments as e where e.user_id = u.id and e.course_id = %s'
    ' and e.withdrawn_at is null and (e.expires_at is null or e.expires_at > private.clock())%s)';
begin
  for v_key, v_value in select s.key, s.value from jsonb_each(p_segment) as s order by s.key loop
    v_list := case
      when jsonb_typeof(v_value) = 'array' then array(select jsonb_array_elements_text(v_value))
    end;
    v_parts := v_parts || case v_key
      when 'plans' then format(
        '(select l.plan from public.subscription_limits as l where l.vip_level <= u.vip_level'
        ' order by l.vip_level desc limit 1) = any (%L::text[])', v_list
      )
      when 'languages' then format(
        'split_part(lower(coalesce(u.language, u.language_code)), ''-'', 1) = any (%L::text[])', v_list
      )
      when 'active_days' then format(
        'u.last_activity >= private.clock() - make_interval(days => %s)', private.segment_number(v_value)
      )
      when 'inactive_days' then format(
        'u.last_activity < private.clock() - make_interval(days => %s)', private.segment_number(v_value)
      )
      when 'course' then format(
        v_access,
        private.segment_number(v_value -> 'id'),
        case when v_value ->> 'tier' is null then '' else format(' and e.tier = %L', v_value ->> 'tier') end
      )
      when 'without_course' then format('not ' || v_access, private.segment_number(v_value), '')
      when 'bought' then format(
        'exists (select from public.orders as o where o.user_id = u.id and o.status = ''completed'''
        ' and o.product_key = any (%L::text[]))', v_list
      )
      when 'never_paid' then
        'not exists (select from public.orders as o where o.user_id = u.id and o.status = ''completed'')'
      when 'label' then format(
        'exists (select from public.conversations as v join public.conversation_labels as l on l.conversation_id = v.id'
        ' where v.user_id = u.id and l.label_id = %s)', private.segment_number(v_value)
      )
      when 'bands' then format(
        'exists (select from public.conversations as v where v.user_id = u.id and case when v.ai_ready_score <= 30'
        ' then ''exploring'' when v.ai_ready_score <= 60 then ''interested'' when v.ai_ready_score <= 85'
        ' then ''serious'' else ''ready'' end = any (%L::text[]) and v.ai_ready_score is not null)', v_list
      )
      -- In place of private.user_source, which would be called for each user.
      when 'sources' then format(
        'coalesce((select ''ad_'' || l.key from public.ad_link_visits as v join public.ad_links as l on l.id = v.link_id'
        ' where v.user_id = u.id and v.is_source), case when exists (select from public.user_referrals as r'
        ' where r.referred_id = u.id) then ''referral'' else ''direct'' end) = any (%L::text[])', v_list
      )
      when 'uncontacted_days' then format(
        '(c.last_contact_at is null or c.last_contact_at < private.clock() - make_interval(days => %s))',
        private.segment_number(v_value)
      )
    end;
    if v_parts[cardinality(v_parts)] is null
      or (v_key in ('plans', 'languages', 'bought', 'bands', 'sources') and coalesce(cardinality(v_list), 0) = 0)
    then
      raise exception 'segment: %', v_key using errcode = 'Q0001';
    end if;
  end loop;
  return case when v_parts = '{}' then 'true' else array_to_string(v_parts, ' and ') end;
end
$$;

revoke all on function private.segment_condition from public, anon, authenticated, service_role;
comment on function private.segment_condition is 'Writes a segment as a condition of SQL';

-- Revenue of buyers whom an advertisement brought belongs to its link: the job sums these days again, and the page reads them from
-- the ledger until then.
insert into private.revenue_changes (day) select distinct r.day from public.daily_revenue as r;
