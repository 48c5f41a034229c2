"""What of a file is searched beside its title and headings: the author's description and the words of its path; pure.

Called by the reader process. Both say of every passage what the document is about, in words that its text may lack: the
folder names the product, the description says what the page is for. They are searched and never quoted.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from supportplane_runtime.rag.documents.text import as_title

# Single letters and numbers in the names of files are marks of an order.
_WORD: Final = re.compile(r"[^\W_]*[^\W\d_][^\W_]+|[^\W\d_][^\W_]+")
# What pages that stand for their folder are called says nothing of it.
_OF_FOLDERS: Final = {"index", "readme"}


def context(fields: Mapping[str, str], path: str, title: str) -> tuple[str, ...]:
    """fields: of the front matter. path: of the file below its source, which it begins with."""
    found = (as_title(fields.get("description", "")), as_title(_path_words(path, title)))
    return tuple(each for each in found if each)


def _path_words(path: str, title: str) -> str:
    """Of each folder, and of the file without its suffix, unless the title has all of them."""
    known = {*_words(title), *_OF_FOLDERS}
    parts = (_words(part) for part in PurePosixPath(path).with_suffix("").parts)
    found = (word for part in parts if not known.issuperset(part) for word in part)
    return " ".join(dict.fromkeys(found))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
