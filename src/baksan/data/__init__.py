"""Where X comes from: files of any common format, and the catalogue of known data sets.

What to use when
----------------
`load("magic")`, `load("fermi-4fgl:unassociated")`   a known data set, with its features and rules
`fetch("magic")`                                     its files, from their publisher
`load("my_events.parquet")`                          a file in the same way
`read("events.fits.gz")`                             the table of a file, all columns
`blocks("events.csv", rows=65536)`                   the same, larger than memory
`open_stream("events.parquet", answer="E")`          what is larger than memory, as a Stream
`footprint("events.parquet")`                        the bytes that a table takes in memory
`open_parts("folder", answer="E")`                   the same in parts, for processes side by side
`write(table, "events.parquet")`                     a table in any of the formats
`convert("events.root", "events.parquet")`           a file, a folder or a data set as well
"""

from baksan.data.catalogue import Entry
from baksan.data.columns import ReadError
from baksan.data.convert import Written, convert, write
from baksan.data.expressions import derive, evaluate, select, specification
from baksan.data.fetch import fetch
from baksan.data.formats import blocks, format_of, read
from baksan.data.loading import Loaded, entry, footprint, load, names, stream
from baksan.data.parts import open_parts
from baksan.data.streaming import open_stream

__all__ = [
    "Entry", "Loaded", "ReadError", "Written", "blocks", "convert", "derive", "entry", "evaluate",
    "fetch", "footprint", "format_of", "load", "names", "open_parts", "open_stream", "read",
    "select", "specification", "stream", "write",
]  # fmt: skip
