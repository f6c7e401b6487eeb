-- Records that a user opened the link of an advertisement. It is their source if they are new: no bot knew them an hour ago, and
-- no other link brought them.
--
-- Concurrency: a visit is written once, and counted in the same transaction; a repetition of the update changes nothing.
-- Locks: user (NO KEY UPDATE), the link.
-- Returns: jsonb
--   known: boolean             (there is such a link)
-- Errors: none.
create or replace function public.open_ad_link(p_user_id bigint, p_bot text, p_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_link_id bigint;
  v_is_source boolean;
begin
  select l.id into v_link_id from public.ad_links as l where l.key = p_key;
  if not found then
    return jsonb_build_object('known', false);
  end if;
  select u.created_at > private.clock() - interval '1 hour' and not exists (
      select from public.ad_link_visits as v where v.user_id = u.id and v.is_source
    )
    into v_is_source
    from public.users as u
   where u.id = p_user_id
     for no key update;
  if found then
    insert into public.ad_link_visits (link_id, user_id, bot, is_source)
    values (v_link_id, p_user_id, p_bot, v_is_source)
    on conflict (link_id, user_id) do nothing;
    if found then
      update public.ad_links as l
         set visits = l.visits + 1, new_users = l.new_users + v_is_source::integer
       where l.id = v_link_id;
    end if;
  end if;
  return jsonb_build_object('known', true);
end
$$;

revoke all on function public.open_ad_link from public, anon, authenticated, service_role;
grant execute on function public.open_ad_link to bot_backend;
comment on function public.open_ad_link is 'Records that a user opened the link of an advertisement';
