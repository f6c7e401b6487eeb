-- Returns a user's free trainings, and what joining the channel would give.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     access: private.resolve_access,
--     trainings: [ { source: text, quantity: int, used: int } ]   (oldest first),
--     channel_trainings: int                                      (how many a channel gives),
--     channels: [ text ]                                          (references of channels that gave already)
--   } | null                                                    (no such user)
-- Errors: none.
create or replace function public.training_overview(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'access', private.resolve_access(u, 1),
      'trainings', coalesce(
        (
          select jsonb_agg(
              jsonb_build_object('source', f.source, 'quantity', f.quantity, 'used', f.used) order by f.id
            )
            from public.free_trainings as f
           where f.user_id = u.id and f.quantity > 0
        ),
        '[]'::jsonb
      ),
      'channel_trainings', private.setting('channel_trainings')::integer,
      'channels', coalesce(
        (
          select jsonb_agg(f.reference order by f.id)
            from public.free_trainings as f
           where f.user_id = u.id and f.source = 'channel'
        ),
        '[]'::jsonb
      )
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function public.training_overview from public, anon, authenticated, service_role;
grant execute on function public.training_overview to bot_backend;
comment on function public.training_overview is 'Returns a user''s free trainings';
