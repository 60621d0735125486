"""`ray job submit --working-dir . -- python jobs/select_boxes.py CONFIG [key.path=value …]`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from raymeta.cli import main

if __name__ == "__main__":
    # A job runs on a cluster, always: the one that it was submitted to.
    os.environ.setdefault("RAY_ADDRESS", "auto")
    raise SystemExit(main(["select", "--on-ray", *sys.argv[1:]]))
