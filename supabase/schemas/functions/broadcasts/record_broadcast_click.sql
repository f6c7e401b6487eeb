-- Counts a click of a recipient on a button, once per button, and says where the button leads. A click of another user (a test,
-- a forwarded message) is not counted, and leads there all the same.
--
-- Concurrency: the click is inserted once; concurrent calls count it once.
-- Locks: recipient, broadcast.
-- Returns: jsonb
--   target: jsonb | null       (the button as content has it; null: there is none)
--   is_counted: boolean
-- Errors: none.
create or replace function public.record_broadcast_click(p_broadcast_id bigint, p_user_id bigint, p_button integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_button jsonb;
  v_is_first boolean;
begin
  select b.content -> 'buttons' -> p_button into v_button from public.broadcasts as b where b.id = p_broadcast_id;
  if v_button is null or p_button < 0 then
    return jsonb_build_object('target', null, 'is_counted', false);
  end if;
  select r.clicked_at is null
    into v_is_first
    from public.broadcast_recipients as r
   where r.broadcast_id = p_broadcast_id and r.user_id = p_user_id and r.status in ('sending', 'sent', 'unknown')
     for no key update;
  if not found then
    return jsonb_build_object('target', v_button, 'is_counted', false);
  end if;
  insert into public.broadcast_clicks (broadcast_id, user_id, button)
  values (p_broadcast_id, p_user_id, p_button)
  on conflict do nothing;
  if not found then
    return jsonb_build_object('target', v_button, 'is_counted', false);
  end if;
  if v_is_first then
    update public.broadcast_recipients as r
       set clicked_at = private.clock()
     where r.broadcast_id = p_broadcast_id and r.user_id = p_user_id;
    perform private.count_broadcast_hour(p_broadcast_id, 0, 1);
  end if;
  update public.broadcasts as b
     set clicked = b.clicked + v_is_first::integer,
         clicks = b.clicks || jsonb_build_object(
           p_button::text, coalesce((b.clicks ->> p_button::text)::bigint, 0) + 1
         )
   where b.id = p_broadcast_id;
  return jsonb_build_object('target', v_button, 'is_counted', true);
end
$$;

revoke all on function public.record_broadcast_click from public, anon, authenticated, service_role;
grant execute on function public.record_broadcast_click to bot_backend;
comment on function public.record_broadcast_click is 'Counts a click of a recipient, and says where the button leads';
