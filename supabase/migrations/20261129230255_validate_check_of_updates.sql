-- Check the rows of telegram_updates against its new constraint. Reads the table once and blocks no other transaction.

alter table public.telegram_updates validate constraint telegram_updates_check;
