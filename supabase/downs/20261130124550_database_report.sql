-- Takes back: database report.

drop function private.database_overview();

drop function private.migration_history(p_limit integer);

drop function public.admin_database_overview(p_admin_email text);

drop function public.admin_migration_history(p_admin_email text, p_limit integer);
