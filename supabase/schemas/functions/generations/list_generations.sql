-- Lists a user's delivered jobs of a kind in a bot, the newest first.
--
-- p_before: the id below which the page begins; null: at the newest.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, prompt: text, created_at: timestamptz } ]
-- Errors: none.
create or replace function public.list_generations(
  p_user_id bigint, p_bot text, p_kind text, p_limit integer, p_before bigint default null
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object('id', g.id, 'prompt', coalesce(g.request -> 'wish' ->> 'words', g.request ->> 'prompt', ''), 'created_at', g.created_at)
        order by g.id desc
      ),
      '[]'
    )
    from (
      select o.id, o.request, o.created_at
        from public.generations as o
       where o.user_id = p_user_id and o.bot = p_bot and o.kind = p_kind and o.state = 'delivered'
         and (p_before is null or o.id < p_before)
       order by o.id desc
       limit p_limit
    ) as g;
$$;

revoke all on function public.list_generations from public, anon, authenticated, service_role;
grant execute on function public.list_generations to bot_backend;
comment on function public.list_generations is 'Lists a user''s delivered jobs';
