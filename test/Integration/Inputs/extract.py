"""Prints the Nth fenced block of a language from a Markdown page: extract.py PAGE LANGUAGE N."""

import re
import sys

page, language, number = sys.argv[1:]
blocks = re.findall(rf"^```{language}\n(.*?)^```", open(page).read(), re.S | re.M)
print(blocks[int(number) - 1], end="")
