-- Stores facts that the AI proposes to keep about a user and enqueues a question about each, as many as private.proposals_left
-- allows. What is known or was proposed before is left out: letters and digits are compared.
--
-- p_facts: a list of texts of up to 300 characters; null as an empty one.
--
-- Concurrency: the caller has locked the user (NO KEY UPDATE), so the limits hold.
-- Locks: none.
-- Returns: jsonb, outgoing.
-- Errors: none.
create or replace function private.propose_facts(p_user_id bigint, p_bot text, p_facts jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left integer;
  v_fact text;
  v_id bigint;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if coalesce(jsonb_array_length(p_facts), 0) = 0 then
    return v_outgoing;
  end if;
  v_left := private.proposals_left(p_user_id, p_bot);
  for v_fact in
    select f.content from jsonb_array_elements_text(p_facts) with ordinality as f (content, position) order by f.position
  loop
    exit when v_left <= 0;
    continue when length(v_fact) not between 1 and 300 or exists (
      select
        from private.known_facts(p_user_id, p_bot) as k (content)
       where lower(regexp_replace(k.content, '[^[:alnum:]]+', '', 'g'))
         = lower(regexp_replace(v_fact, '[^[:alnum:]]+', '', 'g'))
    );
    insert into public.ai_memory_proposals (user_id, bot, content) values (p_user_id, p_bot, v_fact) returning id into v_id;
    v_left := v_left - 1;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      p_user_id, p_bot, 'memory_proposal', jsonb_build_object('fact', v_fact),
      jsonb_build_array(
        jsonb_build_array(
          jsonb_build_object('key', 'memory_keep', 'data', 'memory:keep:' || v_id),
          jsonb_build_object('key', 'memory_decline', 'data', 'memory:decline:' || v_id)
        )
      )
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.propose_facts from public, anon, authenticated, service_role;
comment on function private.propose_facts is 'Stores facts that the AI proposes to keep and asks the user about each';
