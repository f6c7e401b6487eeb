-- Returns a certificate by its number, as long as the exam counts as passed. Everyone with the number may see it: it is
-- unguessable and stands on the certificate.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { number: text, name: text, scenario: text, score: int, passed_at: timestamptz } | null
-- Errors: none.
create or replace function public.find_certificate(p_number text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'number', c.number, 'name', c.name, 'scenario', t.scenario, 'score', (t.result ->> 'score')::integer,
      'passed_at', t.finished_at
    )
    from public.certificates as c
    join public.trainings as t on t.id = c.training_id
   where c.number = p_number and private.is_passed(t);
$$;

revoke all on function public.find_certificate from public, anon, authenticated, service_role;
grant execute on function public.find_certificate to bot_backend;
comment on function public.find_certificate is 'Returns a certificate by its number, as long as the exam counts as passed';
