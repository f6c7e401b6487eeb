-- Registers a file before it is uploaded to Supabase Storage, and returns its key. p_name identifies the file among those
-- of the user and kind: repeated calls return the same key. All keys of a user share one random folder while the user has
-- files. The file is deleted after the setting retention_media_days.
--
-- Concurrency: the user is locked, so an erasure at the same time finds the row or leaves no user, and two first files get
--   one folder.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     key: text
--     status: 'uploading' | 'stored'    (stored: it is there already, from an earlier call)
--     delete_after: timestamptz
--   } | null                            (no such user)
-- Errors: none.
create or replace function public.register_file(
  p_user_id bigint, p_bot text, p_kind text, p_name uuid, p_extension text, p_mime_type text, p_size bigint
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_folder text;
  v_key text;
  v_file public.stored_files;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    return null;
  end if;
  select split_part(f.key, '/', 2) into v_folder
    from public.stored_files as f
   where f.user_id = p_user_id
   order by f.id desc
   limit 1;
  v_key := format('%s/%s/%s.%s', p_kind, coalesce(v_folder, gen_random_uuid()::text), p_name, p_extension);
  insert into public.stored_files (user_id, bot, kind, key, mime_type, size_bytes, created_at, delete_after)
  values (
    p_user_id, p_bot, p_kind, v_key, p_mime_type, p_size, v_now,
    v_now + make_interval(days => private.setting('retention_media_days')::integer)
  )
  on conflict (key) do nothing;
  select f.* into strict v_file from public.stored_files as f where f.key = v_key;
  return jsonb_build_object('key', v_file.key, 'status', v_file.status, 'delete_after', v_file.delete_after);
end
$$;

revoke all on function public.register_file from public, anon, authenticated, service_role;
grant execute on function public.register_file to bot_backend;
comment on function public.register_file is 'Registers a file before it is uploaded to Supabase Storage';
