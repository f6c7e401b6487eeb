-- Returns the board of leads: a column for each stage or band, each with its newest leads, those with the highest score first.
--
-- p_group: stage or band. p_filters {stage, band, bot, search, link, mine, due}: what is missing or null does not filter.
-- search is a part of a name, of the request, or of @username, or a Telegram ID; link: id of the ad that brought the user; mine:
-- the actor is reminded of the next action; due: its time has come.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   stages: [text]                   (of the setting crm_stages)
--   bots: [text]
--   links: [ { id: bigint, name: text } ]
--   columns: [ { key: text, total: int, leads: [ private.lead_row ] } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.crm_board(
  p_actor_id bigint, p_group text default 'stage', p_filters jsonb default '{}', p_limit integer default 30
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stages jsonb := private.setting('crm_stages')::jsonb;
  v_search text := lower(ltrim(p_filters ->> 'search', '@'));
  v_columns jsonb := '[]'::jsonb;
begin
  perform private.require_staff(p_actor_id, 'operator');
  with leads as (
    select c as conversation, k as card,
           case when p_group = 'band' then coalesce(private.ready_band(c.ai_ready_score), '') else k.stage end as key,
           row_number() over (
             partition by case when p_group = 'band' then coalesce(private.ready_band(c.ai_ready_score), '') else k.stage end
             order by c.ai_ready_score desc nulls last, c.last_message_at desc, c.id
           ) as place,
           count(*) over (
             partition by case when p_group = 'band' then coalesce(private.ready_band(c.ai_ready_score), '') else k.stage end
           ) as total
      from public.crm_cards as k
      join public.conversations as c on c.id = k.conversation_id
      join public.users as u on u.id = c.user_id
     where (p_filters ->> 'stage' is null or k.stage = p_filters ->> 'stage')
       and (p_filters ->> 'band' is null or private.ready_band(c.ai_ready_score) = p_filters ->> 'band')
       and (p_filters ->> 'bot' is null or c.bot = p_filters ->> 'bot')
       and (p_filters ->> 'mine' is null or k.next_action_by = p_actor_id)
       and (p_filters ->> 'due' is null or k.next_action_at <= private.clock())
       and (
         p_filters ->> 'link' is null
         or exists (
           select
             from public.ad_link_visits as v
            where v.user_id = u.id and v.is_source and v.link_id = (p_filters ->> 'link')::bigint
         )
       )
       and (
         coalesce(v_search, '') = ''
         or strpos(lower(concat_ws(' ', c.ai_real_name, c.ai_query, u.first_name, u.last_name, u.username)), v_search) > 0
         or u.telegram_id::text = v_search
       )
  )
  select coalesce(jsonb_agg(jsonb_build_object('key', g.key, 'total', g.total, 'leads', g.leads) order by g.key), '[]'::jsonb)
    into v_columns
    from (
      select l.key, max(l.total) as total,
             jsonb_agg(private.lead_row(l.conversation, l.card) order by l.place)
               filter (where l.place <= least(greatest(p_limit, 1), 200)) as leads
        from leads as l
       group by l.key
    ) as g;
  return jsonb_build_object(
    'stages', v_stages,
    'bots', (
      select coalesce(jsonb_agg(distinct c.bot order by c.bot), '[]'::jsonb)
        from public.crm_cards as k
        join public.conversations as c on c.id = k.conversation_id
    ),
    'links', (
      select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name) order by l.name, l.id), '[]'::jsonb)
        from public.ad_links as l
       where l.archived_at is null
    ),
    'columns', v_columns
  );
end
$$;

revoke all on function public.crm_board from public, anon, authenticated, service_role;
grant execute on function public.crm_board to bot_backend;
comment on function public.crm_board is 'Returns the board of leads';
