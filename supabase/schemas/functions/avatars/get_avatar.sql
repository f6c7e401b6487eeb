-- Returns a profile photo by its key, to the user whose photo it is and to admins and operators.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     mime_type: text
--     image: text             (base64)
--   } | null                  (no such photo, or p_viewer_id may not see it)
-- Errors: none.
create or replace function public.get_avatar(p_key uuid, p_viewer_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
           'mime_type', a.mime_type, 'image', translate(encode(a.image, 'base64'), E'\n', '')
         )
    from public.user_avatars as a
    join public.users as v on v.id = p_viewer_id
   where a.key = p_key and a.image is not null and (
     a.user_id = v.id or v.is_admin or exists (select from public.staff as s where s.user_id = v.id and s.role = 'operator')
   );
$$;

revoke all on function public.get_avatar from public, anon, authenticated, service_role;
grant execute on function public.get_avatar to bot_backend;
comment on function public.get_avatar is 'Returns a profile photo to those who may see it';
