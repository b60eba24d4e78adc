"""Layering and size rules of the source tree."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
# folder: what its sources must not include
FORBIDDEN = {
    "lib/Runtime": r'"(mlir|llvm)/',
    "lib/Plan": r'"(mlir|llvm)/',
    "include/linnet-c": r'"(mlir|llvm|linnet)/',
    "lib/Transforms": r'"linnet/(Codegen|Program)/',
    "lib/IR": r'"linnet/(Codegen|Program|Transforms)/',
}
problems = []
for folder, pattern in FORBIDDEN.items():
    for path in (root / folder).rglob("*.[ch]*"):
        for line in path.read_text().splitlines():
            if re.match(r"\s*#include\s+" + pattern, line):
                problems.append(f"{path.relative_to(root)}: {line.strip()}")
for folder in ("include", "lib", "tools", "python"):
    for path in (root / folder).rglob("*"):
        limit = {".td": 400}.get(path.suffix, 600)
        if path.suffix in (".cpp", ".h", ".td", ".py") and path.is_file():
            lines = len(path.read_text().splitlines())
            if lines > limit:
                problems.append(f"{path.relative_to(root)}: {lines} lines, at most {limit}")
print("\n".join(problems))
sys.exit(1 if problems else 0)
