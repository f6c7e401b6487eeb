-- Adds a canned reply (p_id null), changes one, or deletes it (p_shortcut null). With actions it is a macro: it gives labels,
-- assigns the conversation to the one who uses it (p_takes_over), and closes it.
--
-- p_labels: ids. p_texts: text by language, each at most 4096 characters, with variables such as {first_name}; may be empty where it acts.
--
-- Concurrency: shortcuts are unique.
-- Locks: the canned reply.
-- Returns: jsonb
--   id: bigint | null      (null: it was deleted, or there is none)
-- Errors: N0009 the user's role does not allow it; I0002 the shortcut or a text is invalid, or another has the shortcut.
create or replace function public.save_canned_reply(p_actor_id bigint,
  p_id bigint,
  p_shortcut text,
  p_texts jsonb default '{}',
  p_labels jsonb default '[]',
  p_takes_over boolean default false,
  p_closes boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_labels constant bigint[] := array(select l.value::bigint from jsonb_array_elements_text(p_labels) as l (value));
  v_id bigint;
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_shortcut is null then
    delete from public.canned_replies as r where r.id = p_id;
    return '{"id": null}'::jsonb;
  elsif p_shortcut !~ '^[a-z0-9_-]{1,32}$' or jsonb_typeof(p_texts) <> 'object'
    or exists (select from jsonb_each_text(p_texts) as t where length(t.value) not between 1 and 4096)
    or p_texts = '{}' and p_labels = '[]' and not p_takes_over and not p_closes
  then
    raise exception 'the canned reply is invalid' using errcode = 'I0002';
  elsif p_id is null then
    insert into public.canned_replies as r (shortcut, texts, labels, takes_over, closes)
    values (p_shortcut, p_texts, v_labels, p_takes_over, p_closes)
    returning r.id into v_id;
  else
    update public.canned_replies as r
       set shortcut = p_shortcut, texts = p_texts, labels = v_labels, takes_over = p_takes_over, closes = p_closes,
           updated_at = private.clock()
     where r.id = p_id
    returning r.id into v_id;
  end if;
  return jsonb_build_object('id', v_id);
exception when unique_violation then
  raise exception 'another canned reply has this shortcut' using errcode = 'I0002';
end
$$;

revoke all on function public.save_canned_reply from public, anon, authenticated, service_role;
grant execute on function public.save_canned_reply to bot_backend;
comment on function public.save_canned_reply is 'Adds, changes or deletes a canned reply';
