#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""list_files.py DIR SUFFIX: the names in DIR that end so, sorted, one per line. For meson, at configure time."""
import os
import sys

print("\n".join(sorted(n[: -len(sys.argv[2])] for n in os.listdir(sys.argv[1]) if n.endswith(sys.argv[2]))))
