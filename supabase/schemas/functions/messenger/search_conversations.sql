-- Finds conversations by a part of the user's name, @username, Telegram id, the number of an order, or words of a message; each
-- word matches the words that begin with it. Of many matches, 500 users and the newest 200 to 500 messages count.
--
-- Concurrency: read-only, over indexes.
-- Locks: none.
-- Returns: bigint[], the conversations.
-- Errors: none.
create or replace function private.search_conversations(p_query text)
returns bigint[]
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_text constant text := left(p_query, 100);
  v_number constant bigint := case when btrim(v_text) ~ '^[0-9]{1,18}$' then btrim(v_text)::bigint end;
  v_name constant text := ltrim(private.name_words(v_text, null, null));
  v_users bigint[];
  v_found bigint[];
  v_messages bigint[];
  v_words text;
  v_query tsquery;
begin
  v_users := array(
    select u.id from public.users as u where lower(u.username) = lower(ltrim(btrim(v_text), '@')) limit 50
  );
  if v_number is not null then
    v_users := v_users || array(select u.id from public.users as u where u.telegram_id = v_number) || array(
      select o.user_id from public.orders as o where o.id = v_number and o.user_id is not null
    );
  end if;
  if length(v_name) > 2 then
    v_users := v_users || array(
      select u.id
        from public.users as u
       where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(v_name)
         and strpos(private.name_words(u.username, u.first_name, u.last_name), v_name) > 0
       limit 500
    );
  elsif length(v_name) = 2 then
    v_users := v_users || array(
      select u.id
        from public.users as u
       where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(' ' || v_name)
       limit 500
    );
  end if;
  v_found := array(select c.id from public.conversations as c where c.user_id = any (v_users));
  select string_agg(quote_literal(w.word) || ':*', ' & ') into v_words
    from regexp_split_to_table(lower(v_text), '[^[:alnum:]]+') as w (word)
   where w.word <> '';
  if length(v_text) < 3 or v_words is null then
    return v_found;
  end if;
  v_query := to_tsquery('pg_catalog.simple', v_words);
  -- How frequent the words are decides how their newest messages are found sooner: by going back in time, or over the index of
  -- words, which has to read all of its matches.
  if (
    select count(*) > 15
      from (
        select m.body from public.conversation_messages as m order by m.created_at desc limit 500
      ) as n
     where to_tsvector('pg_catalog.simple'::regconfig, n.body) @@ v_query
  ) then
    v_messages := array(
      select n.conversation_id
        from (
          -- With a limit of its own it is read in its order, whatever the planner thinks of the words.
          select m.conversation_id, m.body from public.conversation_messages as m order by m.created_at desc limit 10000
        ) as n
       where to_tsvector('pg_catalog.simple'::regconfig, n.body) @@ v_query
       limit 200
    );
  else
    v_messages := array(
      with matches as materialized (
        select m.conversation_id, m.created_at
          from public.conversation_messages as m
         where to_tsvector('pg_catalog.simple'::regconfig, m.body) @@ v_query
         limit 30000
      )
      select n.conversation_id from matches as n order by n.created_at desc limit 500
    );
  end if;
  return array(select distinct f.id from unnest(v_found || v_messages) as f (id));
end
$$;

revoke all on function private.search_conversations from public, anon, authenticated, service_role;
comment on function private.search_conversations is 'Finds conversations by names, numbers and words';
