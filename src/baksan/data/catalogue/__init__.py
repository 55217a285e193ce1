"""The catalogue: known data sets with everything that must be decided before training on them.

An `Entry` says where the files are found and what their SHA-256 is, which columns are features (and
in which unit), what the answer is, which rows belong together, and which columns know the answer.
`baksan.data.load` turns one into a table and Samples, `baksan.data.fetch` gets its files.
"""

from baksan.data.catalogue.blazars import FERMI_BLAZARS
from baksan.data.catalogue.corsika import CORSIKA
from baksan.data.catalogue.cosmic_rays import AUGER_EVENTS, TELESCOPE_ARRAY
from baksan.data.catalogue.digits import DIGITS
from baksan.data.catalogue.entry import Entry, File
from baksan.data.catalogue.fact import FACT_ENERGY, FACT_GAMMA
from baksan.data.catalogue.fermi import FERMI_3FGL, FERMI_4FGL
from baksan.data.catalogue.hisparc import HISPARC, HISPARC_KASCADE
from baksan.data.catalogue.magic import MAGIC
from baksan.data.catalogue.neutrinos import ICECUBE_HESE
from baksan.data.catalogue.uhecr import UHECR

__all__ = ["ENTRIES", "Entry", "File"]

_ALL = (
    MAGIC, FACT_GAMMA, FACT_ENERGY, FERMI_4FGL, FERMI_3FGL, FERMI_BLAZARS, UHECR, AUGER_EVENTS,
    TELESCOPE_ARRAY, HISPARC, HISPARC_KASCADE, CORSIKA, ICECUBE_HESE, DIGITS,
)  # fmt: skip
ENTRIES: dict[str, Entry] = {e.name: e for e in _ALL}
"""The data sets by name."""
