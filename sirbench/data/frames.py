"""Data frames in Parquet: selection traces and embeddings, written whole and checked when they are read."""

from pathlib import Path

import pandas as pd

from sirbench.machine.errors import InputError
from sirbench.machine.manifest import check_manifest, recorded_file


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame without its index."""
    with recorded_file(path) as temporary:
        frame.to_parquet(temporary, compression="zstd", index=False)


def read_frame(path: Path) -> pd.DataFrame:
    """What `write_frame` wrote; InputError for a file that is damaged or another one."""
    from pyarrow import ArrowException  # a training step needs none of it

    check_manifest(path)
    try:
        return pd.read_parquet(path)
    except (ArrowException, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise InputError(f"{path}: not a table in Parquet, or a damaged one ({error}); remove it") from error
