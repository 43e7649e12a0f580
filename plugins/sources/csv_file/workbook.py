"""What kind of file this is by its first bytes, and the workbooks that are refused (spec sources 5.1 and 5.5)."""

import io
import zipfile

from pmo_watch.api import SourceDataError, SourceRefused

ZIP = b"PK\x03\x04"
OLE = bytes.fromhex("D0CF11E0A1B11AE1")
UNPACKED_TIMES = 20  # how many times `max_size_mb` a workbook may unpack to
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def is_workbook(data: bytes) -> bool:
    """Say whether the bytes are a workbook's, of a kind that is read or refused."""
    return data.startswith((ZIP, OLE))


def check_workbook(data: bytes, name: str, max_size_mb: int) -> None:
    """Raise for what is no XLSX or XLSM.

    Raises:
        SourceDataError: it is an older, binary, encrypted or OpenDocument workbook, or another archive.
        SourceRefused: it unpacks to more than may be.
    """
    if data.startswith(OLE):
        if _ENCRYPTED in data:
            raise SourceDataError(f"{name}: is encrypted: remove the password")
        raise SourceDataError(f"{name}: is an older workbook (.xls): save as .xlsx or CSV")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {one.filename: one.file_size for one in archive.infolist()}
            kind = archive.read("mimetype") if sizes.get("mimetype", 1000) < 1000 else b""
    except (zipfile.BadZipFile, NotImplementedError, OSError) as fault:
        raise SourceDataError(f"{name}: is a broken archive ({fault}): save the workbook again") from None
    if b"opendocument" in kind:
        raise SourceDataError(f"{name}: is an OpenDocument file (.ods): save as .xlsx or CSV")
    if "xl/workbook.bin" in sizes:
        raise SourceDataError(f"{name}: is a binary workbook (.xlsb): save as .xlsx or CSV")
    if "[Content_Types].xml" not in sizes or not any(one.startswith("xl/") for one in sizes):
        raise SourceDataError(f"{name}: is an archive and no workbook: save the list as .xlsx or CSV")
    unpacked = sum(sizes.values())
    limit = max_size_mb * UNPACKED_TIMES
    if unpacked > limit * 1_000_000:
        raise SourceRefused(
            f"{name}: unpacks to {unpacked / 1e6:.0f} MB, more than {UNPACKED_TIMES} times "
            f"'max_size_mb: {max_size_mb}': raise it, or part the file"
        )


def has_formulas(data: bytes) -> bool:
    """Say whether any sheet holds a formula."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [one for one in archive.namelist() if one.startswith("xl/worksheets/")]
        return any(_holds_formula(archive, one) for one in sheets)


def _holds_formula(archive: zipfile.ZipFile, sheet: str) -> bool:
    tail = b""
    with archive.open(sheet) as file:
        while chunk := file.read(1 << 20):
            whole = tail + chunk
            if b"<f>" in whole or b"<f " in whole or b":f>" in whole or b":f " in whole:
                return True
            tail = whole[-8:]
    return False
