"""/image and /images, and the buttons under pictures."""

from shared.features.common.media.handlers import router_of
from shared.features.common.media.kinds import IMAGE

router = router_of(IMAGE)
