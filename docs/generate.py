"""Writes docs/generated from TableGen and from what the built linnet-opt decides. `--check`: fails where a
page is stale."""

import argparse
import pathlib
import subprocess
import sys

import certified

ROOT = pathlib.Path(__file__).resolve().parent.parent
LLVM = pathlib.Path("/usr/lib/llvm-22")
INCLUDES = [f"-I{ROOT / 'include'}", f"-I{LLVM / 'include'}"]

# page: (TableGen file, backend, further arguments)
PAGES = {
    "dialect-linnet.md": ("include/linnet/IR/LinnetAttrs.td", "-gen-dialect-doc", ["-dialect=linnet"]),
    "dialect-exec.md": ("include/linnet/IR/ExecOps.td", "-gen-dialect-doc", ["-dialect=exec"]),
    "passes-transforms.md": ("include/linnet/Transforms/Passes.td", "-gen-pass-doc", []),
    "ops-transform.md": ("include/linnet/Transforms/TransformOps.td", "-gen-op-doc", ["-dialect=transform"]),
    "passes-autodiff.md": ("include/linnet/Autodiff/Passes.td", "-gen-pass-doc", []),
    "passes-program.md": ("include/linnet/Program/Passes.td", "-gen-pass-doc", []),
}
for family in ("Attention", "Sequence", "Conv", "Loss", "Norm", "Plain", "Pool", "Random", "Resize",
               "Train", "Optimizer"):
    PAGES[f"ops-{family.lower()}.md"] = (
        f"include/linnet/IR/{family}Ops.td", "-gen-op-doc", ["-dialect=linnet"])


def generate(source: str, backend: str, arguments: list) -> str:
    command = [str(LLVM / "bin" / "mlir-tblgen"), backend, *arguments, *INCLUDES, str(ROOT / source)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # one trailing newline, no trailing blanks: what editors and diffs expect
    return "\n".join(line.rstrip() for line in text.splitlines()).strip() + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    folder = ROOT / "docs" / "generated"
    folder.mkdir(exist_ok=True)
    stale = []
    texts = {page: generate(*source) for page, source in PAGES.items()}
    texts["certified.md"] = certified.page()
    for page, text in texts.items():
        path = folder / page
        if check:
            if not path.exists() or path.read_text() != text:
                stale.append(page)
        else:
            path.write_text(text)
    for page in stale:
        print(f"docs/generated/{page} is stale: run ./dev docs", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
