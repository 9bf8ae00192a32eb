"""Types of the native module (kernels/src/lib.rs); absent where the package was built without Rust."""

from typing import TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]

class Info(TypedDict):
    version: str
    curve: str
    arithmetic: str
    threads: int

def info() -> Info: ...
def msm(scalars: Bytes, points: Bytes) -> bytes: ...
def sha256_many(messages: Bytes) -> Bytes: ...
