-- What schemas public and private consist of, and the roles: one row (kind, name, text) for each thing that
-- can differ.
-- Runs on Postgres 15 to 18 with an empty search_path, so that definitions name everything in full.
with relations as (
    -- Dated partitions differ by the day they were made; what an extension made is not ours.
    select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private')
        and not (c.relispartition and pg_get_expr(c.relpartbound, c.oid) is distinct from 'DEFAULT')
        and not exists (
            select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
),
columns as (
    select a.*, r.name || '.' || quote_ident(a.attname) as name, pg_get_expr(d.adbin, d.adrelid) as expression
    from relations r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where r.relkind in ('r', 'p', 'c', 'f') and not r.relispartition
),
functions as (
    select p.*, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('public', 'private') and p.prokind <> 'a'
        and not exists (
            select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        )
),
types as (
    select t.*, format('%I.%I', n.nspname, t.typname) as name
    from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
    where n.nspname in ('public', 'private') and t.typtype in ('e', 'd')
),
rights (object, acl) as (
    select 'schema ' || quote_ident(nspname), coalesce(nspacl, acldefault('n', nspowner))
    from pg_namespace where nspname in ('public', 'private')
    union all
    select case relkind when 'S' then 'sequence ' else 'table ' end || name,
        coalesce(relacl, acldefault(case relkind when 'S' then 's'::"char" else 'r'::"char" end, relowner))
    from relations where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select 'column ' || name, attacl from columns where attacl is not null
    union all
    select 'function ' || name, coalesce(proacl, acldefault('f', proowner)) from functions
    union all
    select 'type ' || name, coalesce(typacl, acldefault('T', typowner)) from types
    union all
    select format(
            'new %s of %I in %s',
            case defaclobjtype
                when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                when 'T' then 'types' else 'schemas'
            end,
            pg_get_userbyid(defaclrole),
            case defaclnamespace when 0 then 'any schema' else defaclnamespace::regnamespace::text end
        ), defaclacl
    from pg_default_acl
),
entries (kind, name, text) as (
    -- Not whether it may log in: that and its password are given by `sync`, from a secret.
    select 'role', quote_ident(rolname), concat_ws(
            ' ',
            case when rolsuper then 'superuser' end, case when rolinherit then 'inherit' else 'noinherit' end,
            case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
            case when rolreplication then 'replication' end, case when rolbypassrls then 'bypassrls' end,
            case when rolconnlimit <> -1 then 'connection limit ' || rolconnlimit end,
            'in ' || (
                select string_agg(m.roleid::regrole::text, ', ' order by m.roleid::regrole::text)
                from pg_auth_members m where m.member = r.oid
            ),
            'set ' || (
                select string_agg(option, ', ' order by option)
                from pg_db_role_setting s
                join pg_database d on d.datname = current_database()
                cross join unnest(s.setconfig) option
                where s.setrole = r.oid and s.setdatabase in (0, d.oid)
            )
        )
    from pg_roles r where rolname !~ '^pg_'

    union all
    select 'schema', quote_ident(nspname), 'owner ' || pg_get_userbyid(nspowner)
    from pg_namespace where nspname in ('public', 'private')

    union all
    -- Some servers come with extensions and the checks install theirs; ours are those of these schemas.
    select 'extension', quote_ident(extname), extnamespace::regnamespace::text
    from pg_extension where extnamespace::regnamespace::text in ('public', 'private')

    union all
    select 'type', name, case typtype
            when 'e' then 'enum (' || (
                select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
                from pg_enum where enumtypid = types.oid
            ) || ')'
            else format_type(typbasetype, typtypmod) || coalesce(' default ' || typdefault, '')
                || case when typnotnull then ' not null' else '' end
                || coalesce((
                    select string_agg(' ' || pg_get_constraintdef(k.oid), '' order by k.conname)
                    from pg_constraint k where k.contypid = types.oid and k.contype = 'c'
                ), '')
        end || ', owner ' || pg_get_userbyid(typowner)
    from types

    union all
    select 'table', name,
        case relkind when 'c' then 'composite type' when 'f' then 'foreign' else 'table' end
        || case relpersistence when 'u' then ' unlogged' else '' end
        || coalesce(' partition by ' || pg_get_partkeydef(oid), '')
        || coalesce(' default partition of ' || (
            select inhparent::regclass::text from pg_inherits where inhrelid = relations.oid and relispartition
        ), '')
        || ', owner ' || pg_get_userbyid(relowner)
    from relations where relkind in ('r', 'p', 'c', 'f')

    union all
    select 'view', name,
        case relkind when 'm' then 'materialized ' else '' end
        || coalesce('with (' || array_to_string(reloptions, ', ') || ') ', '')
        || 'as ' || pg_get_viewdef(oid) || E'\nowner ' || pg_get_userbyid(relowner)
    from relations where relkind in ('v', 'm')

    union all
    select 'sequence', r.name, format(
            'as %s start %s increment %s minvalue %s maxvalue %s%s, owner %s', s.seqtypid::regtype,
            s.seqstart, s.seqincrement, s.seqmin, s.seqmax, case when s.seqcycle then ' cycle' else '' end,
            pg_get_userbyid(r.relowner)
        )
    from relations r
    join pg_sequence s on s.seqrelid = r.oid

    union all
    select 'options', name, array_to_string(array(select unnest(reloptions) order by 1), ', ')
    from relations where relkind in ('r', 'p') and reloptions is not null

    union all
    select 'row level security', name,
        case when relrowsecurity then 'enabled' else 'disabled' end
        || case when relforcerowsecurity then ', forced' else '' end
    from relations where relkind in ('r', 'p')

    union all
    select 'column', name, format_type(atttypid, atttypmod) || case
            when attcollation <> (select typcollation from pg_type where oid = atttypid)
            then ' collate ' || attcollation::regcollation::text else ''
        end
    from columns

    union all
    select 'default', name, expression from columns where expression is not null and attgenerated = ''

    union all
    select 'generated', name, '(' || expression || case attgenerated when 's' then ') stored' else ') virtual' end
    from columns where attgenerated <> ''

    union all
    select 'identity', name, case attidentity when 'a' then 'always' else 'by default' end
    from columns where attidentity <> ''

    union all
    select 'not null', name, 'yes' from columns where attnotnull

    union all
    -- Not contype n: Postgres 18 gives every "not null" a constraint of its own, with a generated name.
    select 'constraint', format('%I on %s', k.conname, r.name), pg_get_constraintdef(k.oid)
    from relations r
    join pg_constraint k on k.conrelid = r.oid
    where k.contype in ('p', 'u', 'c', 'f', 'x') and not r.relispartition

    union all
    select 'index', format('%I.%I', r.nspname, c.relname),
        replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
        || case when i.indisvalid then '' else ' (invalid)' end
    from relations r
    join pg_index i on i.indrelid = r.oid
    join pg_class c on c.oid = i.indexrelid
    where not r.relispartition
        and not exists (
            select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
        )

    union all
    select 'trigger', format('%I on %s', t.tgname, r.name), pg_get_triggerdef(t.oid)
        || case t.tgenabled when 'O' then '' else format(' (enabled: %s)', t.tgenabled) end
    from relations r
    join pg_trigger t on t.tgrelid = r.oid
    where not t.tgisinternal and not r.relispartition

    union all
    select 'policy', format('%I on %s', p.polname, r.name), format(
            'as %s for %s to %s%s%s',
            case when p.polpermissive then 'permissive' else 'restrictive' end,
            case p.polcmd
                when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
                else 'all'
            end,
            (
                select string_agg(grantee, ', ' order by grantee)
                from unnest(p.polroles) role
                cross join lateral (
                    select case role when 0 then 'public' else quote_ident(pg_get_userbyid(role)) end
                ) named (grantee)
            ),
            ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
            ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
        )
    from relations r
    join pg_policy p on p.polrelid = r.oid

    union all
    select 'function', name,
        rtrim(pg_get_functiondef(oid), E'\n') || E'\nowner ' || pg_get_userbyid(proowner)
    from functions

    union all
    -- "grantee=PRIVILEGE,PRIVILEGE; …". MAINTAIN exists since 17 only, where a grant of all means it too.
    select 'rights', object, coalesce(string_agg(
            grantee || '=' || privileges, '; ' order by grantee
        ), 'none')
    from (
        select r.object,
            case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as grantee,
            string_agg(
                a.privilege_type || case when a.is_grantable then ' with grant option' else '' end,
                ',' order by a.privilege_type
            ) as privileges
        from rights r
        left join lateral (
            select * from aclexplode(r.acl) where privilege_type <> 'MAINTAIN'
        ) a on true
        group by r.object, a.grantee
    ) granted
    group by object

    union all
    select 'comment', o.type || ' ' || o.identity, d.description
    from pg_description d
    cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) o
    where (
            o.schema in ('public', 'private') or o.identity in ('public', 'private')
            or o.identity ~ ' on (public|private)\.'
        )
        and (d.classoid <> 'pg_class'::regclass or d.objoid in (select oid from relations))
)
select kind, name, text from entries
