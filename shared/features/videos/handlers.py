"""/video and /videos, and the buttons under videos."""

from shared.features.common.media.handlers import router_of
from shared.features.common.media.kinds import VIDEO

router = router_of(VIDEO)
