"""Tiny files of every kind that a reader takes, to be damaged.

A new reader joins by one function: it takes a folder and writes files into it; `@reader` registers
it. A file that is packed may be damaged within: `Seed.pack` then packs what came of it.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

ROWS = 12
READERS: dict[str, Callable] = {}


@dataclass(frozen=True)
class Seed:
    """A whole file; or, where there is `pack`, what is inside of it."""

    name: str
    content: bytes
    pack: Callable[[bytes], bytes] | None = None
    damage: Callable | None = None
    """damage(content, others, random), where there is a better way than `mutate.damaged`."""


def reader(make):
    """Registers a maker of seed files under the reader's name."""
    READERS[make.__name__.removeprefix("of_")] = make
    return make


@lru_cache
def seeds_of(name, folder):
    """All seeds of a reader, in the order of their names."""
    folder.mkdir(parents=True)
    inside = READERS[name](folder) or []
    whole = [Seed(p.name, p.read_bytes()) for p in sorted(folder.iterdir())]
    return [*whole, *inside]


def columns():
    """Columns of many types, by name."""
    random = np.random.default_rng(1)
    return {
        "width": random.normal(size=ROWS),
        "length": random.normal(size=ROWS).astype("f4") * 100,
        "hits": random.integers(0, 99, ROWS),
        "small": random.integers(-9, 9, ROWS).astype("i2"),
        "flag": random.random(ROWS) > 0.5,
        "kind": np.array(["gamma", "hadron"])[np.arange(ROWS) % 2],
    }


def lines(separator, header=True):
    named = columns()
    rows = zip(*(v.tolist() for v in named.values()), strict=True)
    head = [separator.join(["width [mm]", *list(named)[1:]])] if header else []
    return "\n".join([*head, *(separator.join(map(str, row)) for row in rows)]) + "\n"


@reader
def of_text(folder):
    (folder / "comma.csv").write_text(lines(","))
    (folder / "tab.tsv").write_text(lines("\t"))
    (folder / "semicolon.csv").write_text("\ufeff" + lines(";").replace("\n", "\r\n"))
    (folder / "quoted.csv").write_text('"a","b, c"\n1.5,"x, y"\n,"z ""w"""\n-2e3,\n')
    (folder / "bare.txt").write_text("# width length\n1.5 2\n 2.5  3\n\n-999 nan\n")
    ecsv = ["# %ECSV 1.0", "# ---", "# datatype:", "# - {name: ra, unit: deg, datatype: float64,"]
    ecsv += [
        "#    description: 'right ascension'}",
        "# - {name: n, datatype: int64}",
        "# schema: x",
    ]
    (folder / "astropy.ecsv").write_text("\n".join([*ecsv, "ra n", "1.5 2", '"" 3', "2.5 4", ""]))
    (folder / "packed.csv.gz").write_bytes(gzip.compress(lines(",").encode(), mtime=0))
    return [Seed("inside.csv.gz", lines("|").encode(), lambda b: gzip.compress(b, mtime=0))]


@reader
def of_parquet(folder):
    import pyarrow as pa
    from pyarrow import parquet

    named = {k: pa.array(v) for k, v in columns().items()}
    parquet.write_table(pa.table(named), folder / "plain.parquet", compression="none")
    parquet.write_table(pa.table(named), folder / "groups.parquet", row_group_size=5)
    longer = pa.table({k: v.take(pa.array(np.arange(300) % ROWS)) for k, v in named.items()})
    parquet.write_table(longer, folder / "long.parquet", compression="none", use_dictionary=False)
    more = {
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(3.0 * ROWS)), 3),
        "jagged": pa.array([[1.0] * (j % 3) for j in range(ROWS)]),
        "holes": pa.array([None, 1, 2] * (ROWS // 3)),
        "time": pa.array(np.arange(ROWS), pa.timestamp("us")),
        "word": pa.array(["a", "b", None] * (ROWS // 3)).dictionary_encode(),
        "price": pa.array(np.arange(ROWS)).cast(pa.decimal128(30, 2)),
    }
    parquet.write_table(pa.table(more), folder / "types.parquet", compression="zstd")
    unit = pa.field("E", pa.float64(), metadata={"unit": "EeV", "description": "energy"})
    one = pa.Table.from_arrays([named["width"]], schema=pa.schema([unit]))
    noted = one.replace_schema_metadata({"baksan_notes": '["a note."]'})
    parquet.write_table(noted, folder / "noted.parquet", compression="gzip")


@reader
def of_npy(folder):
    named = columns()
    np.save(folder / "matrix.npy", np.arange(24.0).reshape(ROWS, 2))
    np.save(folder / "fortran.npy", np.asfortranarray(np.arange(24, dtype=">i4").reshape(ROWS, 2)))
    rows = np.zeros(ROWS, dtype=[("a", "f8"), ("s", "U5"), ("b", "S3"), ("v", "i2", 3)])
    rows["s"], rows["b"] = "word", b"abc"
    np.save(folder / "rows.npy", rows)
    np.save(folder / "words.npy", named["kind"])
    np.save(folder / "pickled.npy", np.array([{}, None], dtype=object), allow_pickle=True)


@reader
def of_npz(folder):
    named = columns()
    np.savez(folder / "named.npz", **named)
    np.savez_compressed(folder / "packed.npz", **named, vector=np.ones((ROWS, 3)))
    np.savez(folder / "alone.npz", np.arange(24.0).reshape(ROWS, 2))
    out = io.BytesIO()
    np.save(out, named["width"])

    def pack(content):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", content)
            archive.writestr("b.npy", out.getvalue())
        return held.getvalue()

    return [Seed("inside.npz", out.getvalue(), pack)]


@reader
def of_fits(folder):
    from astropy.io import fits

    held = [
        fits.Column("width", "D", unit="mm", array=columns()["width"]),
        fits.Column("hits", "J", null=3, array=columns()["hits"]),
        fits.Column("kind", "6A", array=columns()["kind"]),
        fits.Column("flag", "L", array=columns()["flag"]),
        fits.Column("v", "3E", array=np.ones((ROWS, 3))),
        fits.Column("scaled", "I", array=np.arange(ROWS)),
        fits.Column("u", "J", bzero=2**31, array=np.arange(ROWS, dtype="u4")),
        fits.Column("jagged", "PJ()", array=np.array([np.arange(j % 3) for j in range(ROWS)], "O")),
    ]
    table = fits.BinTableHDU.from_columns(held, name="EVENTS")
    table.header["TSCAL6"], table.header["TZERO6"] = 0.5, 7.0
    table.writeto(folder / "binary.fits")
    text = [
        fits.Column("a", "F8.3", array=columns()["width"], ascii=True),
        fits.Column("n", "I6", array=columns()["hits"], ascii=True),
        fits.Column("s", "A7", array=columns()["kind"], ascii=True),
    ]
    fits.TableHDU.from_columns(text).writeto(folder / "ascii.fits")
    two = [fits.PrimaryHDU(np.ones((2, 3)))]
    two += [fits.BinTableHDU.from_columns(held[:2], name=name) for name in ("A", "B")]
    fits.HDUList(two).writeto(folder / "several.fits")
    plain = (folder / "several.fits").read_bytes()
    (folder / "packed.fits.gz").write_bytes(gzip.compress(plain, mtime=0))
    inside = (folder / "binary.fits").read_bytes()
    return [Seed("inside.fits.gz", inside, lambda b: gzip.compress(b, 1, mtime=0))]


@reader
def of_hdf5(folder):
    import h5py
    import pandas as pd
    import tables

    named = {k: v.astype("S6") if v.dtype.kind == "U" else v for k, v in columns().items()}
    with h5py.File(folder / "columns.h5", "w") as file:
        for name, values in named.items():
            file[f"events/{name}"] = values
        file["events/width"].attrs["unit"] = "mm"
        file["events/vector"] = np.ones((ROWS, 3))
    kind = [(k, v.dtype) for k, v in named.items()] + [("v", "f4", 2)]
    rows = np.zeros(ROWS, dtype=kind)
    with h5py.File(folder / "compound.h5", "w", libver="latest") as file:
        packed = file.create_dataset("t", data=rows, chunks=(5,), compression="gzip", shuffle=True)
        packed.attrs["CTAFIELD_0_UNIT"] = "deg"
    with h5py.File(folder / "words.h5", "w") as file:
        file["word"] = ["gamma", "hadron", "muon"]
        file["soft"] = h5py.SoftLink("/word")
        file["matrix"] = np.arange(6.0).reshape(3, 2)
    for packing in ("blosc", "blosc2:lz4"):
        filters = tables.Filters(5, packing, fletcher32=packing == "blosc")
        with tables.open_file(folder / f"tables-{packing[:6]}.h5", "w") as file:
            file.create_table("/", "t", rows, filters=filters, chunkshape=(5,), track_times=False)
    frame = pd.DataFrame({"a": np.arange(3), "b": [0.5, 1.5, 2.5]})
    frame.to_hdf(folder / "fixed.h5", key="df")
    frame.to_hdf(folder / "named.h5", key="df", format="table", data_columns=True)


@reader
def of_root(folder):
    import uproot

    named = {k: v for k, v in columns().items() if v.dtype.kind != "U"}
    for name, packing in (("plain", None), ("packed", uproot.ZLIB(1))):
        with uproot.recreate(folder / f"{name}.root", compression=packing) as file:
            more = {"vector": np.ones((ROWS, 3)), "kind": columns()["kind"].tolist()}
            file.mktree("events", {k: v.dtype for k, v in named.items()} | {"vector": "3f8"})
            file["events"].extend(named | {"vector": more["vector"]})
    with uproot.recreate(folder / "ntuple.root", compression=None) as file:
        file.mkrntuple("events", named)
    with uproot.recreate(folder / "strings.root", compression=None) as file:
        file.mktree("deep/events", {"x": "f8", "word": "string"})
        file["deep/events"].extend({"x": np.arange(3.0), "word": ["a", "bc", ""]})


@reader
def of_sqlite(folder):
    import sqlite3

    named = columns()
    rows = list(zip(*(v.tolist() for v in named.values()), strict=True))
    for name, more in (("plain", ""), ("keyed", ", PRIMARY KEY (width, hits)) WITHOUT ROWID")):
        with sqlite3.connect(folder / f"{name}.db") as file:
            file.execute("PRAGMA page_size = 512")
            types = ("REAL", "REAL", "INTEGER", "INTEGER", "BOOLEAN", "TEXT")
            about = ", ".join(f"{n} {t}" for n, t in zip(named, types, strict=True))
            file.execute(f"CREATE TABLE events ({about}{more or ')'}")
            file.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)
        file.close()
    with sqlite3.connect(folder / "mixed.db") as file:
        file.execute("PRAGMA page_size = 512")
        file.execute("CREATE TABLE t (a, b, c GENERATED ALWAYS AS (a + 1))")
        held = [(1, "x"), (None, "y" * 700), (2.5, None), (2**60, b"\0\1"), ("nan", "")]
        file.executemany("INSERT INTO t VALUES (?, ?)", held)
        file.execute("CREATE INDEX i ON t (a)")
        file.execute("CREATE VIEW v AS SELECT * FROM t")
    file.close()


@reader
def of_json(folder):
    named = {k: v.tolist() for k, v in columns().items()}
    rows = [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]
    (folder / "columns.json").write_text(json.dumps(named | {"holes": [None, float("nan")] * 6}))
    (folder / "rows.json").write_text(json.dumps(rows, indent=1))
    (folder / "lines.json").write_text("\n".join(map(json.dumps, rows)) + "\n")
    (folder / "packed.json.gz").write_bytes(gzip.compress(json.dumps(named).encode(), mtime=0))
    return [Seed("inside.json.gz", json.dumps(rows).encode(), lambda b: gzip.compress(b, mtime=0))]


@reader
def of_libsvm(folder):
    lines = [
        f"{1 - 2 * (j % 2)} 1:{j / 7:.4f} 3:{j} {f'7:{-j}e-3' * (j % 3 > 0)}" for j in range(9)
    ]
    text = "\n".join(line.strip() for line in lines) + "\n"
    (folder / "plain.libsvm").write_text(text)
    (folder / "ranked.libsvm").write_text("# noted\n" + text.replace(" 1:", " qid:3 1:"))
    (folder / "packed.libsvm.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return [Seed("inside.libsvm.gz", text.encode(), lambda b: gzip.compress(b, mtime=0))]


@reader
def of_corsika(folder):
    def block(words, tag, *numbers):
        made = np.zeros(words, "<f4")
        made[0] = np.frombuffer(tag, "<f4")[0]
        made[1 : 1 + len(numbers)] = numbers
        return made

    def run(words):
        header = block(words, b"EVTH", 1, 14, 1e5, 0, 0, 2e6, 0, 0, 1e5, 0.2)
        header[43:48], header[74:76] = [7, 0, 7.5, 1, 1e4], [1, 3]
        records = np.ones((39, words // 39), "<f4")
        records[:, 0] = 1000 * (1 + np.arange(39) % 6) + 31
        first, last = block(words, b"RUNH", 7, 0, 7.5), block(words, b"RUNE", 7, 1)
        end = block(words, b"EVTE", 1, 7, 13, 0, 12, 39)
        made = [first, header, records.ravel(), end, last, *np.zeros((16, words), "<f4")]
        return np.concatenate(made).tobytes()

    def marked(content):
        size = len(content).to_bytes(4, "little")
        return size + content + size

    (folder / "plain").write_bytes(marked(run(273)))
    (folder / "thinned").write_bytes(marked(run(312)))
    (folder / "bare").write_bytes(run(273))
    (folder / "packed.gz").write_bytes(gzip.compress(run(312), mtime=0))
    return [Seed("inside.gz", marked(run(273)), lambda b: gzip.compress(b, mtime=0))]
