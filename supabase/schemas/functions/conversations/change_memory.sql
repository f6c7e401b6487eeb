-- Changes what a bot keeps about a user: switches the memory of all bots on or off, changes a fact, deletes one or all.
--
-- p_is_on: the switch; null leaves it. p_id: a fact; with p_content its new text, without it the fact is deleted; 0: all facts are
-- deleted. With the memory off, the AI's open proposals end; with all facts, its proposals are deleted, declined ones too.
--
-- Concurrency: of two changes at once the last one counts.
-- Locks: user (NO KEY UPDATE where the switch changes), facts, proposals.
-- Returns: jsonb
--   changed: int                (facts that were changed or deleted)
-- Errors: J0002 the text is too long.
create or replace function public.change_memory(
  p_user_id bigint, p_bot text, p_is_on boolean default null, p_id bigint default null, p_content text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_changed integer := 0;
begin
  if length(p_content) not between 1 and 300 then
    raise exception 'a fact has 1 to 300 characters' using errcode = 'J0002';
  end if;
  if p_is_on is not null then
    update public.users as u set memory_enabled = p_is_on where u.id = p_user_id;
    if not p_is_on then
      delete from public.ai_memory_proposals as p where p.user_id = p_user_id and p.declined_at is null;
    end if;
  end if;
  if p_content is not null then
    update public.ai_memory as f
       set content = p_content
     where f.id = p_id and f.user_id = p_user_id and f.bot = p_bot;
    get diagnostics v_changed = row_count;
  elsif p_id is not null then
    delete from public.ai_memory as f
     where f.user_id = p_user_id and f.bot = p_bot and (f.id = p_id or p_id = 0);
    get diagnostics v_changed = row_count;
    if p_id = 0 then
      delete from public.ai_memory_proposals as p where p.user_id = p_user_id and p.bot = p_bot;
    end if;
  end if;
  return jsonb_build_object('changed', v_changed);
end
$$;

revoke all on function public.change_memory from public, anon, authenticated, service_role;
grant execute on function public.change_memory to bot_backend;
comment on function public.change_memory is 'Changes what a bot keeps about a user';
