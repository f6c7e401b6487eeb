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
