"""The pages of this project, run: their code blocks, as somebody would paste them."""

import os
import pathlib
import re
import subprocess
import sys

from server import BINARY, ROOT

ENVIRONMENTS = pathlib.Path(sys.executable).parents[2]
TOOLS = [*(ENVIRONMENTS / name / "bin" for name in ("clients", "encryption-cli")), BINARY.parent]


# A deadline, not a wait: the longest block takes about half a minute.
PASTED_SECONDS = 600


def pasted(script, folder, settings=()):
    """Runs `script` as somebody would who has the tools, these settings, and no AWS settings of any other kind."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KEYREEVE_"))}
    path = os.pathsep.join([*map(str, TOOLS), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        cwd=folder,
        env={**kept, **dict(settings), "PATH": path, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PASTED_SECONDS,
    )


def blocks(page, title, languages=("sh",)):
    """The code blocks of one section of a page; `title` with the marks of its heading."""
    text = (ROOT / page).read_text(encoding="utf-8")
    level = title.index(" ")
    ends = rf"^#{{1,{level}}} |\Z"
    # A heading is none inside a block: there `# ` begins a comment.
    hidden = re.sub(r"^```.*?^```$", lambda found: re.sub("^#", "\0", found[0], flags=re.M), text, flags=re.S | re.M)
    sections = re.findall(rf"^{re.escape(title)}\n(.*?)(?={ends})", hidden, re.DOTALL | re.MULTILINE)
    assert len(sections) == 1, f"{page} has {len(sections)} sections called {title}"
    found = re.findall(r"^```(\w+)\n(.*?)^```$", sections[0].replace("\0", "#"), re.DOTALL | re.MULTILINE)
    return [code for language, code in found if language in languages]
