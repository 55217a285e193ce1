"""What a damaged file must end in: a table whose columns hang together, or one sentence."""

from pathlib import Path

LONGEST = 600  # characters of a sentence
WIDEST = 1000  # columns that are described


class TooLong(BaseException):
    """The time for one file is over; no reader can catch it as a sign of damage."""


def outcome(path):
    """('table' | 'sentence' | 'defect', what it is)."""
    from baksan.data import footprint, read
    from baksan.data.columns import ReadError
    from baksan.describe import describe
    from baksan.table import Table

    try:
        try:
            footprint(path)
        except ReadError as error:
            if why := no_sentence(str(error), path):
                return "defect", f"footprint: {why}: {error}"
        table = read(path)
    except ReadError as error:
        why = no_sentence(str(error), path)
        return ("defect", f"{why}: {error}") if why else ("sentence", str(error))
    except (Exception, TooLong) as error:
        return "defect", where(error)
    try:
        lengths = {len(column.values) for column in table.columns.values()}
        assert len(lengths) == 1 and len(table) in lengths, f"columns of lengths {lengths}"
        assert all(c.values.dtype.kind in "biufU" for c in table.columns.values())
        names = table.names[:WIDEST]  # to describe one takes a tenth of a millisecond
        describe(Table({name: table.columns[name] for name in names})).text()
    except (Exception, TooLong) as error:
        return "defect", "described: " + where(error)
    return "table", f"{len(table)} rows"


def no_sentence(said, path):
    """Why this is not one sentence that names the file, or nothing."""
    if len(said.splitlines()) != 1:
        return "not one line"
    if not said.startswith(str(path)):
        return "does not begin with the file's name"
    if "Traceback" in said or not said.endswith((".", "'")):
        return "does not end as a sentence"
    if not said.isprintable():
        return "holds what cannot be printed"
    return "is too long" if len(said) > LONGEST else ""


def where(error):
    """The error, and the line of baksan that let it through."""
    trace, ours = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/baksan/" in name:
            ours = f"{Path(name).name}:{trace.tb_lineno}"
        last, trace = f"{Path(name).name}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__} from {ours} ({last}): {str(error)[:300]}"
