-- Check the rows of tables whose constraints were merged. Reads each table once and blocks no other transaction.

alter table public.api_usage validate constraint api_usage_check;

alter table public.bot_sessions validate constraint bot_sessions_check;

alter table public.daily_totals validate constraint daily_totals_check;

alter table public.daily_usage validate constraint daily_usage_check;

alter table public.monthly_api_usage validate constraint monthly_api_usage_check;

alter table public.monthly_usage validate constraint monthly_usage_check;

alter table public.telegram_updates validate constraint telegram_updates_check;
