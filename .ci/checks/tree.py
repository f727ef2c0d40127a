# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks share: the files of the tree, without what is built."""
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIP_DIRS = {".git", "__pycache__", "node_modules", ".cache", "subprojects"}
CPP = (".cpp", ".hpp", ".h", ".c")
SCRIPT = (".py", ".js", ".css", ".html", ".sh")


def files(*suffixes):
    for top, dirs, names in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS and not (Path(top) == ROOT and d.startswith("build")))
        for name in sorted(set(names) - SKIP_DIRS): # .git is a file in a linked working tree
            if not suffixes or name.endswith(suffixes):
                yield Path(top, name).relative_to(ROOT)


def text(path):
    """None for what is no text: pictures, recorded streams."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def done(problems):
    for p in problems:
        print(p)
    sys.exit(1 if problems else 0)
