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
