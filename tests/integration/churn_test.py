#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A few reloads and changes under viewers of another camera; tests/e2e/churn_soak.py does it for longer."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from churn import run  # noqa: E402
from harness import Suite  # noqa: E402

suite = Suite()


@suite.case
def viewers_of_another_camera_notice_nothing():
    run(suite, reloads=8, edits=30, viewers=2)


if __name__ == "__main__":
    sys.exit(suite.main())
