-- Adds a label for conversations (p_id null), renames one, or deletes it (p_name null).
--
-- Concurrency: names are unique; a repeated call finds its label.
-- Locks: the label.
-- Returns: jsonb
--   id: bigint | null      (null: it was deleted, or there is none)
-- Errors: N0009 the user's role does not allow it; I0002 the name or the color is invalid, or another label has the name.
create or replace function public.save_messenger_label(p_actor_id bigint, p_id bigint, p_name text, p_color text default 'gray')
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_name is null then
    delete from public.messenger_labels as l where l.id = p_id;
    return '{"id": null}'::jsonb;
  elsif btrim(p_name) = '' or length(btrim(p_name)) > 40
    or p_color not in ('gray', 'red', 'orange', 'yellow', 'green', 'blue', 'purple')
  then
    raise exception 'the label is invalid' using errcode = 'I0002';
  elsif p_id is null then
    insert into public.messenger_labels as l (name, color)
    values (btrim(p_name), p_color)
    on conflict (lower(name)) do update set color = excluded.color
    returning l.id into v_id;
  else
    update public.messenger_labels as l set name = btrim(p_name), color = p_color where l.id = p_id returning l.id into v_id;
  end if;
  return jsonb_build_object('id', v_id);
exception when unique_violation then
  raise exception 'another label has this name' using errcode = 'I0002';
end
$$;

revoke all on function public.save_messenger_label from public, anon, authenticated, service_role;
grant execute on function public.save_messenger_label to bot_backend;
comment on function public.save_messenger_label is 'Adds, renames or deletes a label for conversations';
