"""Tensors as bytes and back, with safetensors: nothing is run when they are read, and nothing grows beyond them."""

from __future__ import annotations

import math

import safetensors
import torch
from safetensors import SafetensorError, TensorSpec
from torch import Tensor

from autograder.errors import WireError

_MOST_TENSORS, _LONGEST_HEADER = 4096, 512 * 1024
_MOST_AXES, _LARGEST_EMPTY = 64, 2**24
_NOWHERE = 1
"""An address for what holds no numbers: safetensors takes anything but 0."""
_TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64,
          "C64": torch.complex64, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
          "U8": torch.uint8, "BOOL": torch.bool}  # fmt: skip
DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in _TYPES.values()}
"""The dtypes that cross the line, by name."""


def pack(tensors: list[Tensor]) -> bytes:
    """Return tensors as bytes; their names are their places.

    Raises:
        WireError: when there are too many, or one is of a kind that does not cross the line.
    """
    if len(tensors) > _MOST_TENSORS:
        raise WireError(f"{len(tensors)} tensors in one message, the limit is {_MOST_TENSORS}")
    for tensor in tensors:
        if tensor.layout != torch.strided or tensor.is_meta or tensor.dtype not in _TYPES.values():
            raise WireError(f"a tensor that cannot be sent: {tensor.layout}, {tensor.device}, {tensor.dtype}")
    if not tensors:
        return b""
    # Kept until all is written: a description only says where the numbers are.
    plain = [t.detach().cpu().resolve_conj().resolve_neg().contiguous() for t in tensors]
    return safetensors.serialize({str(i): _description(t) for i, t in enumerate(plain)})


def _description(tensor: Tensor) -> TensorSpec:
    """Return what safetensors wants to know of a tensor; its own torch functions take five times as long over it."""
    name, size = str(tensor.dtype).removeprefix("torch."), tensor.nbytes
    return TensorSpec(dtype=name, shape=tensor.shape, data_ptr=tensor.data_ptr() if size else _NOWHERE, data_len=size)


def unpack(payload: bytes) -> dict[str, Tensor]:
    """Return the tensors in a payload, by name.

    Raises:
        WireError: when the bytes are not such tensors.
    """
    if not payload:
        return {}
    if int.from_bytes(payload[:8], "little") > _LONGEST_HEADER:
        raise WireError("tensors that are described at too great a length")
    try:
        entries = safetensors.deserialize(payload)  # type: ignore[no-untyped-call]  # of another language
        if len(entries) > _MOST_TENSORS:
            raise WireError(f"{len(entries)} tensors in one message, the limit is {_MOST_TENSORS}")
        return {name: _tensor(**entry) for name, entry in entries}
    except (SafetensorError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise WireError(f"tensors that cannot be read: {str(error)[:200]}") from None


def _tensor(dtype: str, shape: list[int], data: bytearray) -> Tensor:
    if dtype not in _TYPES or len(shape) > _MOST_AXES:
        raise WireError("a tensor of a kind that does not cross the line")
    if not data:
        if math.prod(max(1, length) for length in shape) > _LARGEST_EMPTY:
            raise WireError("an empty tensor that is as long as no other could be")
        return torch.empty(shape, dtype=_TYPES[dtype])
    if dtype == "BOOL":  # torch computes nonsense with a byte that is neither 0 nor 1
        return (torch.frombuffer(data, dtype=torch.uint8) != 0).reshape(shape)
    return torch.frombuffer(data, dtype=_TYPES[dtype]).reshape(shape)
