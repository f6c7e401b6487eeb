-- Saves the file_id that Telegram gave a bot for the file of a broadcast: from then on it is not uploaded again.
--
-- Concurrency: of two ids of a bot the first stays; both are valid.
-- Locks: media.
-- Returns: void
-- Errors: none.
create or replace function public.save_broadcast_file_id(p_broadcast_id bigint, p_bot text, p_file_id text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.broadcast_media as m
     set file_ids = jsonb_build_object(p_bot, p_file_id) || m.file_ids
   where m.broadcast_id = p_broadcast_id;
$$;

revoke all on function public.save_broadcast_file_id from public, anon, authenticated, service_role;
grant execute on function public.save_broadcast_file_id to bot_backend;
comment on function public.save_broadcast_file_id is 'Saves the id that a bot got for the file of a broadcast';
