-- Name kie.ai in the catalogue by the key of its provider, which names its API key and its module. Prices and modes follow by
-- their foreign keys.
update public.ai_models as m
   set provider = 'kie_ai'
 where m.provider = 'kie'
   and not exists (select from public.ai_models as o where o.provider = 'kie_ai' and o.model = m.model);
