-- Words.

comment on function private.audience_query(pg_catalog.jsonb) is 'Writes the query of the users that a broadcast reaches';

comment on function private.record_revenue(pg_catalog.date) is 'Sums the revenue of a finished day again';

comment on function private.record_subscriptions(pg_catalog.date) is 'Sums the subscription events of a finished day again';

comment on function public.admin_set_access(pg_catalog.text,pg_catalog.text,boolean,pg_catalog.text) is 'Shows and changes which users the bots serve';

comment on function public.list_operators(bigint) is 'Returns the members of the staff who can be assigned conversations';

comment on column public.ad_links.new_users is 'Those of them who were new to all bots';

comment on column public.conversation_messages.read is 'Whether the team has read a message of the user';

comment on column public.conversations.handler is 'Who answers: the bot; a human; paused: the bot is silent until the team changes that';

comment on column public.conversations.handler_until is 'When the bot answers again automatically; null: never';
