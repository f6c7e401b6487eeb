-- Returns what a user asked for with a job, and its files, for making it again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'
--   kind?: 'image' | 'video'                            (found, as all that follows)
--   request?: jsonb
--   state?: text
--   files?: [ { key: text | null, mime: text | null, width: int | null, height: int | null, duration: float | null } ]
--   telegram_files?: [ { kind: text, file_id: text } ]
--   has_originals?: boolean      (the files are still in Storage, setting retention_media_days)
--   kept_days?: int              (that setting)
-- Errors: none.
create or replace function public.get_generation_request(p_user_id bigint, p_bot text, p_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (
        select jsonb_build_object(
            'outcome', 'found', 'kind', g.kind, 'request', g.request, 'state', g.state, 'files', g.files,
            'telegram_files', g.telegram_files,
            'has_originals', g.files <> '[]' and not exists (
              select
                from jsonb_array_elements(g.files) as f
               where not exists (
                 select
                   from public.stored_files as s
                  where s.key = f ->> 'key' and s.status = 'stored' and s.delete_after > (select private.clock())
               )
            ),
            'kept_days', private.setting('retention_media_days')::integer
          )
          from public.generations as g
         where g.id = p_id and g.user_id = p_user_id and g.bot = p_bot
      ),
      jsonb_build_object('outcome', 'unknown')
    );
$$;

revoke all on function public.get_generation_request from public, anon, authenticated, service_role;
grant execute on function public.get_generation_request to bot_backend;
comment on function public.get_generation_request is 'Returns what a user asked for with a job';
