"""Prints the Nth fenced block, or all, of a language from a Markdown page: extract.py PAGE LANGUAGE N|all."""

import re
import sys

page, language, number = sys.argv[1:]
blocks = re.findall(rf"^```{language}\n(.*?)^```", open(page).read(), re.S | re.M)
print("".join(blocks) if number == "all" else blocks[int(number) - 1], end="")
