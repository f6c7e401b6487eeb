-- Lesson releases start at epoch: drivers of some languages cannot read '-infinity'.

alter table public.enrollments alter column next_release_at set default 'epoch';
update public.enrollments set next_release_at = 'epoch' where next_release_at = '-infinity';
