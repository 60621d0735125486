"""At most so many boxes of an image and of a clip: near copies teach little (docs/method.md#caps)."""

import re
from collections import Counter

from raymeta.config import PolicyConfig


class ImageCaps:
    """Counts the boxes that are taken of every image and clip."""

    def __init__(self, config: PolicyConfig) -> None:
        self._per_image, self._per_clip = config.max_per_image, config.max_per_clip
        self._clip = re.compile(config.clip_pattern)
        self._taken: Counter[tuple[str, str]] = Counter()

    def take(self, image_id: str) -> bool:
        """Count a box of this image and give True, or give False where its image or clip has enough."""
        limits = ((("image", image_id), self._per_image), (("clip", self.clip(image_id)), self._per_clip))
        if any(limit is not None and self._taken[key] >= limit for key, limit in limits):
            return False
        self._taken.update(key for key, _ in limits)
        return True

    def clip(self, image_id: str) -> str:
        """The clip of an image: the pattern's first group, or the image itself where it doesn't match."""
        found = self._clip.search(image_id)
        return image_id if found is None or found[1] is None else found[1]


def has_caps(config: PolicyConfig) -> bool:
    """Whether a config limits the boxes of an image or clip."""
    return config.max_per_image is not None or config.max_per_clip is not None
