-- Stores what Telegram has of a user's profile photo. Without p_image the stored photo stays if it is p_photo_id, and is
-- removed otherwise.
--
-- Concurrency: a repeated call with the same photo changes nothing but the times; of two calls the later one counts.
-- Locks: avatar.
-- Returns: jsonb
--   {
--     stored: boolean         (false: the user or the row is gone)
--   }
-- Errors: none.
create or replace function public.finish_avatar(
  p_user_id bigint, p_photo_id text default null, p_mime_type text default null, p_image text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keeps boolean;
begin
  select a.photo_id = p_photo_id and a.image is not null into v_keeps
    from public.user_avatars as a
   where a.user_id = p_user_id
     for update;
  if not found then
    return jsonb_build_object('stored', false);
  end if;
  if v_keeps is not true then
    update public.user_avatars as a
       set key = gen_random_uuid(),
           photo_id = p_photo_id,
           mime_type = case when p_image is not null then p_mime_type end,
           image = decode(p_image, 'base64')
     where a.user_id = p_user_id;
  end if;
  update public.user_avatars as a
     set checked_at = private.clock(), due_at = null
   where a.user_id = p_user_id;
  return jsonb_build_object('stored', true);
end
$$;

revoke all on function public.finish_avatar from public, anon, authenticated, service_role;
grant execute on function public.finish_avatar to bot_backend;
comment on function public.finish_avatar is 'Stores what Telegram has of a user''s profile photo';
