#!/usr/bin/env python3
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Runs clang-tidy over the sources that the build compiles. Those that came out clean are not run
again before they, a header of theirs or .clang-tidy change: Ninja does the work, which knows what
each of them included."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
# The precompiled headers come from clang-22 itself, whose format clang-tidy-22 reads.
RULE = """builddir = tidy
rule tidy
  command = rm -f $out && nice clang-tidy-22 -p tidy --quiet --warnings-as-errors='*' $in && touch $out
  description = clang-tidy $in
"""


def included() -> dict[str, set[str]]:
    """Of each source that was built the files it includes, but those of the system."""
    listing = subprocess.run(["ninja", "-C", BUILD, "-t", "deps"], capture_output=True, text=True,
                             check=True).stdout
    files: dict[str, set[str]] = {}
    for record in listing.split("\n\n"):
        names = [line.strip() for line in record.splitlines()[1:]]
        paths = [os.path.normpath(BUILD / name) for name in names if not name.startswith("/usr/")]
        if paths:
            files.setdefault(paths[0], set()).update(filter(os.path.exists, paths[1:]))
    return files


def commands() -> dict[str, dict[str, str]]:
    """How the build compiles each source of the project: one way of those that are compiled into
    several libraries."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                             check=True).stdout.split()
    every = json.loads((BUILD / "compile_commands.json").read_text())
    by_file = {os.path.relpath(entry["file"], ROOT): entry for entry in every}
    return {file: by_file[file] for file in sorted(set(tracked) & set(by_file))}


def write_rules(files: Iterable[str]) -> None:
    includes = included()
    lines = [RULE]
    for file in files:
        needs = " ".join(["../.clang-tidy", *sorted(includes.get(str(ROOT / file), []))])
        lines.append(f"build tidy/{file}.clean: tidy ../{file} | {needs}\n")
    (BUILD / "tidy.ninja").write_text("".join(lines))


def main() -> int:
    known = commands()
    wanted = [os.path.relpath(file, ROOT) for file in sys.argv[1:]] or list(known)
    if unknown := sorted(set(wanted) - set(known)):
        print(f"tidy: not a source that the build compiles: {' '.join(unknown)}", file=sys.stderr)
        return 1
    (BUILD / "tidy").mkdir(exist_ok=True)
    (BUILD / "tidy" / "compile_commands.json").write_text(json.dumps(list(known.values())))
    write_rules(known)
    stamps = [BUILD / "tidy" / f"{file}.clean" for file in wanted]
    jobs = str(len(os.sched_getaffinity(0)))
    subprocess.run(["ninja", "-C", BUILD, "-f", "tidy.ninja", "-k", "0", "-j", jobs,
                    *(str(stamp.relative_to(BUILD)) for stamp in stamps)])
    found = [file for file, stamp in zip(wanted, stamps) if not stamp.exists()]
    if found:
        print(f"tidy: {len(found)} of {len(wanted)} files have findings: {' '.join(found)}")
        return 1
    print(f"tidy: {len(wanted)} files, no findings")
    return 0


sys.exit(main())
