-- Backend reads report.

grant execute on function public.admin_database_overview(p_admin_email text) to bot_backend;

grant execute on function public.admin_migration_history(p_admin_email text, p_limit integer) to bot_backend;
