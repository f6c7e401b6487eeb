-- Returns a hash of what the schemas public and private consist of. It changes with a table, column, constraint, index, trigger,
-- policy, view, type, function, right or owner; not with rows, dated partitions, or what belongs to an extension.
-- `./switchboard database drift` says what differs.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.catalogue_fingerprint()
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with relations as (
    select c.*
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
     where n.nspname in ('public', 'private')
       and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
       and not (c.relispartition and pg_get_expr(c.relpartbound, c.oid) is distinct from 'DEFAULT')
       and not exists (
         select from pg_catalog.pg_depend as d
          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
       )
  ), entries (entry) as (
    select concat_ws(
             '|', r.oid::regclass, r.relkind, r.relrowsecurity, r.relforcerowsecurity, r.relowner::regrole, r.relacl,
             r.reloptions, case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end
           )
      from relations as r
    union all
    select concat_ws(
             '|', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
             a.attacl, pg_get_expr(d.adbin, d.adrelid)
           )
      from relations as r
      join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where r.relkind <> 'S'
    union all
    select concat_ws('|', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid), c.convalidated)
      from pg_catalog.pg_constraint as c
      join relations as r on r.oid = c.conrelid
    union all
    select concat_ws('|', pg_get_indexdef(i.indexrelid), i.indisvalid)
      from pg_catalog.pg_index as i
      join relations as r on r.oid = i.indrelid
    union all
    select concat_ws('|', pg_get_triggerdef(t.oid), t.tgenabled)
      from pg_catalog.pg_trigger as t
      join relations as r on r.oid = t.tgrelid
     where not t.tgisinternal
    union all
    select concat_ws(
             '|', p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[],
             pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
           )
      from pg_catalog.pg_policy as p
      join relations as r on r.oid = p.polrelid
    union all
    select concat_ws('|', p.oid::regprocedure, p.proowner::regrole, p.proacl, md5(pg_get_functiondef(p.oid)))
      from pg_catalog.pg_proc as p
      join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
     where n.nspname in ('public', 'private') and p.prokind <> 'a'
       and not exists (
         select from pg_catalog.pg_depend as d
          where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
       )
    union all
    select concat_ws('|', e.enumtypid::regtype, e.enumsortorder, e.enumlabel)
      from pg_catalog.pg_enum as e
      join pg_catalog.pg_type as t on t.oid = e.enumtypid
      join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
     where n.nspname in ('public', 'private')
    union all
    select concat_ws('|', n.nspname, n.nspowner::regrole, n.nspacl)
      from pg_catalog.pg_namespace as n
     where n.nspname in ('public', 'private')
  )
  select md5(string_agg(e.entry, chr(10) order by e.entry collate "C")) from entries as e;
$$;

revoke all on function private.catalogue_fingerprint from public, anon, authenticated, service_role;
comment on function private.catalogue_fingerprint is 'Returns a hash of what the schemas public and private consist of';
