#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""50 reloads and 200 cameras made and removed under ten viewers of another camera."""
import sys

from churn import run
from harness import Suite

suite = Suite()


@suite.case
def ten_viewers_of_another_camera_notice_nothing():
    run(suite, reloads=50, edits=200, viewers=10)


if __name__ == "__main__":
    sys.exit(suite.main())
