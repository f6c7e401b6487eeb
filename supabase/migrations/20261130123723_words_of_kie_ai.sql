-- Models of kie.ai offered words that its API rejects: Kling takes a mode and no resolution, Wan writes "720P", Seedream 5 has
-- qualities and no sizes; Seedance takes nine references; the fields of MiniMax H3 are not known. Rows that the owner changed stay.
update public.ai_models as m
   set parameters = v.parameters, enabled = m.enabled and v.enabled
  from (
    values
    (
      'kling-3.0/video',
      '{"aspect_ratios": ["16:9", "9:16", "1:1"], "resolutions": ["1080p"], "durations": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        "sound": true, "max_references": 2}'::jsonb,
      '{"aspect_ratios": ["16:9", "9:16", "1:1"], "qualities": ["pro"], "durations": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        "sound": true, "max_references": 2, "labels": {"pro": {"en": "1080p", "ru": "1080p"}}}'::jsonb,
      true
    ),
    (
      'wan/3-0-video', '{"resolutions": ["480p", "720p", "1080p"]}',
      '{"resolutions": ["480P", "720P", "1080P"], "max_references": 2}', true
    ),
    (
      'bytedance/seedance-2-5', '{"resolutions": ["480p", "720p", "1080p"], "max_references": 30}',
      '{"resolutions": ["480p", "720p", "1080p"], "max_references": 9, "sound": true}', true
    ),
    (
      'bytedance/seedance-2-mini', '{"resolutions": ["720p"], "max_references": 2}',
      '{"resolutions": ["720p"], "durations": [5, 10, 15], "max_references": 9, "sound": true}', true
    ),
    (
      'seedream/5-pro-text-to-image', '{"sizes": ["1K", "2K"]}',
      '{"qualities": ["basic", "high"], "labels": {"basic": {"en": "1K", "ru": "1K"}, "high": {"en": "2K", "ru": "2K"}}}', true
    ),
    ('minimax-h3/text-to-video', '{"resolutions": ["768p", "2K"]}', '{"resolutions": ["768p", "2K"]}', false),
    (
      'minimax-h3/image-to-video', '{"resolutions": ["768p", "2K"], "max_references": 1}',
      '{"resolutions": ["768p", "2K"], "max_references": 1}', false
    )
  ) as v (model, before, parameters, enabled)
 where m.provider = 'kie_ai' and m.model = v.model and m.parameters = v.before;

update public.ai_model_prices as p
   set conditions = v.conditions
  from (
    values
    ('kling-3.0/video', '{"resolution": "1080p", "sound": false}'::jsonb, '{"quality": "pro", "sound": false}'::jsonb),
    ('kling-3.0/video', '{"resolution": "1080p", "sound": true}', '{"quality": "pro", "sound": true}'),
    ('wan/3-0-video', '{"resolution": "480p"}', '{"resolution": "480P"}'),
    ('wan/3-0-video', '{"resolution": "720p"}', '{"resolution": "720P"}'),
    ('wan/3-0-video', '{"resolution": "1080p"}', '{"resolution": "1080P"}'),
    ('seedream/5-pro-text-to-image', '{"size": "1K"}', '{"quality": "basic"}'),
    ('seedream/5-pro-text-to-image', '{"size": "2K"}', '{"quality": "high"}')
  ) as v (model, before, conditions)
 where p.provider = 'kie_ai' and p.model = v.model and p.conditions = v.before
   and p.source = 'kie.ai/pricing 2026-10-07'
   and not exists (
     select
       from public.ai_model_prices as o
      where o.provider = p.provider and o.model = p.model and o.component = p.component
        and o.valid_from = p.valid_from and o.conditions = v.conditions
   );
