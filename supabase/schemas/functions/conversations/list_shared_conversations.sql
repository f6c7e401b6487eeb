-- Lists the pages that a user shares from a bot, the newest first.
--
-- Concurrency: pages whose messages have changed are marked as withdrawn first.
-- Locks: those pages.
-- Returns: jsonb
--   most: int                   (pages that a user may share, over all bots)
--   pages: [ {
--     id: bigint
--     token: text
--     title: text | null
--     messages: int
--     is_cut: boolean
--     created_at: timestamptz
--     open_until: timestamptz
--   } ]
-- Errors: none.
create or replace function public.list_shared_conversations(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.withdraw_changed_pages(p_user_id);
  return jsonb_build_object(
    'most', private.setting('shared_pages')::integer,
    'pages', (
      select coalesce(jsonb_agg(private.shared_page(s) order by s.id desc), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = p_user_id and s.bot = p_bot and s.withdrawn_at is null
    )
  );
end
$$;

revoke all on function public.list_shared_conversations from public, anon, authenticated, service_role;
grant execute on function public.list_shared_conversations to bot_backend;
comment on function public.list_shared_conversations is 'Lists the pages that a user shares';
