"""Checks that relative links of the Markdown pages name files."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
broken = []
for page in [root / "README.md", *(root / "docs").rglob("*.md")]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)  # no links in code
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not (page.parent / target).exists():
            broken.append(f"{page.relative_to(root)}: {target}")
print("\n".join(broken))
sys.exit(1 if broken else 0)
