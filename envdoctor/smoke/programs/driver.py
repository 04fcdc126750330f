"""Rung driver: libcuda by ctypes, without torch: init, devices, memory copy, and an int4 product from PTX, exact to the integer.

The PTX stays at ISA 6.0 and sm_50 so that every driver since CUDA 9 can compile it: a PTX text newer than the driver is
refused with error 222 (unsupported PTX version), which says nothing about the card. Names and codes: cuda.h of the CUDA
driver API.
"""

from __future__ import annotations

import ctypes
import math
import os
import struct
from typing import Any

LIBRARIES = ("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")
NO_DEVICE = 100
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
COPY_BYTES = 1 << 22
K, N, GROUP = 128, 256, 64

# out[n] = sum over k of x[k] * (q[k][n] - zero[k / group][n]) * scale[k / group][n]; a thread a column, 8 nibbles a word
PTX = """
.version 6.0
.target sm_50
.address_size 64

.visible .entry envdoctor_int4(
    .param .u64 p_words, .param .u64 p_scales, .param .u64 p_zeros, .param .u64 p_x, .param .u64 p_out,
    .param .u32 p_count, .param .u32 p_columns, .param .u32 p_group)
{
    .reg .pred %p<4>;
    .reg .b32 %r<20>;
    .reg .f32 %f<6>;
    .reg .b64 %rd<16>;

    ld.param.u64 %rd1, [p_words];
    ld.param.u64 %rd2, [p_scales];
    ld.param.u64 %rd3, [p_zeros];
    ld.param.u64 %rd4, [p_x];
    ld.param.u64 %rd5, [p_out];
    ld.param.u32 %r1, [p_count];
    ld.param.u32 %r2, [p_columns];
    ld.param.u32 %r3, [p_group];
    cvta.to.global.u64 %rd1, %rd1;
    cvta.to.global.u64 %rd2, %rd2;
    cvta.to.global.u64 %rd3, %rd3;
    cvta.to.global.u64 %rd4, %rd4;
    cvta.to.global.u64 %rd5, %rd5;
    mov.u32 %r4, %ctaid.x;
    mov.u32 %r5, %ntid.x;
    mov.u32 %r6, %tid.x;
    mad.lo.u32 %r7, %r4, %r5, %r6;
    setp.ge.u32 %p1, %r7, %r2;
    @%p1 bra DONE;
    mov.f32 %f1, 0f00000000;
    mov.u32 %r8, 0;
WORD:
    mad.lo.u32 %r9, %r8, %r2, %r7;
    mad.wide.u32 %rd6, %r9, 4, %rd1;
    ld.global.u32 %r10, [%rd6];
    div.u32 %r11, %r8, %r3;
    mad.lo.u32 %r12, %r11, %r2, %r7;
    mad.wide.u32 %rd7, %r12, 4, %rd2;
    ld.global.f32 %f2, [%rd7];
    mad.wide.u32 %rd8, %r12, 4, %rd3;
    ld.global.u32 %r13, [%rd8];
    shl.b32 %r14, %r8, 3;
    mad.wide.u32 %rd9, %r14, 4, %rd4;
    mov.u32 %r15, 0;
NIBBLE:
    and.b32 %r16, %r10, 15;
    shr.u32 %r10, %r10, 4;
    sub.s32 %r16, %r16, %r13;
    cvt.rn.f32.s32 %f3, %r16;
    mul.f32 %f3, %f3, %f2;
    ld.global.f32 %f4, [%rd9];
    fma.rn.f32 %f1, %f4, %f3, %f1;
    add.u64 %rd9, %rd9, 4;
    add.u32 %r15, %r15, 1;
    setp.lt.u32 %p2, %r15, 8;
    @%p2 bra NIBBLE;
    add.u32 %r8, %r8, 1;
    setp.lt.u32 %p3, %r8, %r1;
    @%p3 bra WORD;
    mad.wide.u32 %rd10, %r7, 4, %rd5;
    st.global.f32 [%rd10], %f1;
DONE:
    ret;
}
"""


class DriverError(Exception):
    """A call of the driver API that did not return CUDA_SUCCESS."""


class Cuda:
    """libcuda with every call checked."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def name(self, code: int) -> str:
        text = ctypes.c_char_p()
        try:
            self.library.cuGetErrorName(ctypes.c_int(code), ctypes.byref(text))
        except AttributeError:
            return "error %d" % code
        return "%s (%d)" % ((text.value or b"unknown").decode("ascii", "replace"), code)

    def call(self, function: str, *arguments: Any) -> None:
        code = getattr(self.library, function)(*arguments)
        if code != 0:
            raise DriverError(f"{function} returned {self.name(code)}")


def run(rung: Any) -> None:
    cuda: Any = None
    with rung.check("libcuda") as check:
        found = open_library(rung)
        code = found.library.cuInit(0)
        if code == NO_DEVICE:
            raise rung.CannotRun("libcuda-without-gpu", error=found.name(code))
        if code != 0:
            raise DriverError(f"cuInit returned {found.name(code)}")
        version = ctypes.c_int()
        found.call("cuDriverGetVersion", ctypes.byref(version))
        check.tell("driver-cuda", version="%d.%d" % (version.value // 1000, version.value % 1000 // 10))
        cuda = found
    if cuda is None:
        return
    devices: list[str] = []
    with rung.check("devices") as check:
        devices = list_devices(cuda)
        check.detail = ["cuda:%d %s" % item for item in enumerate(devices)]
        if not devices:
            raise rung.CannotRun("driver-without-gpu")
    wanted = rung.options["device"]
    index = 0 if wanted == "auto" else int(wanted.split(":")[1])
    if not devices:
        return
    where = "cuda:%d" % index
    ready: list[Any] = []
    with rung.check("context", where):
        if index >= len(devices):
            raise rung.CannotRun("driver-no-such-gpu", device=where, count=len(devices))
        device = ctypes.c_int()
        cuda.call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(index))
        context = ctypes.c_void_p()
        cuda.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        cuda.call("cuCtxSetCurrent", context)
        ready.append(context)
    if not ready:
        return
    copy(rung, cuda, where)
    kernel(rung, cuda, where)


def open_library(rung: Any) -> Cuda:
    name = next((path for path in LIBRARIES[1:] if os.path.exists(path)), LIBRARIES[0])
    try:
        # WSL2 keeps the real one in a folder of its own, which shells without the usual search path do not look into
        return Cuda(ctypes.CDLL(name))
    except OSError as problem:
        if name == LIBRARIES[0] and "cannot open shared object file" in str(problem):
            raise rung.CannotRun("no-driver", problem=problem) from None
        raise DriverError(f"{name} is there but cannot be loaded: {problem}") from None


def list_devices(cuda: Cuda) -> list[str]:
    count = ctypes.c_int()
    cuda.call("cuDeviceGetCount", ctypes.byref(count))
    found = []
    for index in range(count.value):
        device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        name = ctypes.create_string_buffer(256)
        cuda.call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(index))
        cuda.call("cuDeviceGetName", name, ctypes.c_int(256), device)
        cuda.call("cuDeviceGetAttribute", ctypes.byref(major), ctypes.c_int(CAPABILITY_MAJOR), device)
        cuda.call("cuDeviceGetAttribute", ctypes.byref(minor), ctypes.c_int(CAPABILITY_MINOR), device)
        found.append("%s, sm_%d%d" % (name.value.decode("utf-8", "replace"), major.value, minor.value))
    return found


class Buffers:
    """Device memory that is freed when the block ends."""

    def __init__(self, cuda: Cuda) -> None:
        self.cuda = cuda
        self.held: list[ctypes.c_uint64] = []

    def __enter__(self) -> Buffers:
        return self

    def __exit__(self, *_: Any) -> None:
        for pointer in self.held:
            self.cuda.library.cuMemFree_v2(pointer)

    def new(self, size: int) -> ctypes.c_uint64:
        pointer = ctypes.c_uint64()
        self.cuda.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
        self.held.append(pointer)
        return pointer

    def put(self, data: bytes) -> ctypes.c_uint64:
        pointer = self.new(len(data))
        self.cuda.call("cuMemcpyHtoD_v2", pointer, data, ctypes.c_size_t(len(data)))
        return pointer

    def get(self, pointer: ctypes.c_uint64, size: int) -> bytes:
        data = ctypes.create_string_buffer(size)
        self.cuda.call("cuMemcpyDtoH_v2", data, pointer, ctypes.c_size_t(size))
        return data.raw


def copy(rung: Any, cuda: Cuda, where: str) -> None:
    with rung.check("memory copy", where) as check, Buffers(cuda) as buffers:
        data = bytes(range(256)) * (COPY_BYTES // 256)
        first, second = buffers.put(data), buffers.new(COPY_BYTES)
        cuda.call("cuMemcpyDtoD_v2", second, first, ctypes.c_size_t(COPY_BYTES))
        back = buffers.get(second, COPY_BYTES)
        check.tell("copied")
        if back != data:
            wrong = sum(a != b for a, b in zip(back, data))
            check.fail("failed-wrong-numbers", "bytes-changed", wrong=wrong, total=COPY_BYTES)


def problem_data() -> tuple[dict[str, bytes], list[int]]:
    """A layer of small integers and its exact result (every sum is far below 2**24, so float32 holds it)."""
    q = [[((40503 * k + 30011 * n + 7919 * k * n) >> 7) % 16 for n in range(N)] for k in range(K)]
    scales = [[1 + (g + n // 3) % 4 for n in range(N)] for g in range(K // GROUP)]
    zeros = [[(5 * g + n // 5) % 16 for n in range(N)] for g in range(K // GROUP)]
    x = [(11 * k) % 15 - 7 for k in range(K)]
    words = [sum(q[8 * w + i][n] << (4 * i) for i in range(8)) for w in range(K // 8) for n in range(N)]
    right = [sum(x[k] * (q[k][n] - zeros[k // GROUP][n]) * scales[k // GROUP][n] for k in range(K)) for n in range(N)]
    data = {
        "words": struct.pack("<%dI" % len(words), *words),
        "scales": struct.pack("<%df" % (N * K // GROUP), *[float(s) for row in scales for s in row]),
        "zeros": struct.pack("<%dI" % (N * K // GROUP), *[z for row in zeros for z in row]),
        "x": struct.pack("<%df" % K, *[float(value) for value in x]),
    }
    return data, right


def kernel(rung: Any, cuda: Cuda, where: str) -> None:
    with rung.check("int4 kernel", where) as check, Buffers(cuda) as buffers:
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        cuda.call("cuModuleLoadData", ctypes.byref(module), PTX.encode("ascii") + b"\0")
        try:
            cuda.call("cuModuleGetFunction", ctypes.byref(function), module, b"envdoctor_int4")
            data, right = problem_data()
            pointers = [buffers.put(data[name]) for name in ("words", "scales", "zeros", "x")]
            out = buffers.put(struct.pack("<%df" % N, *[float("nan")] * N))
            values: list[Any] = [*pointers, out]
            values += [ctypes.c_uint32(K // 8), ctypes.c_uint32(N), ctypes.c_uint32(GROUP // 8)]
            parameters = (ctypes.c_void_p * len(values))(
                *[ctypes.cast(ctypes.pointer(v), ctypes.c_void_p) for v in values]
            )
            one = ctypes.c_uint(1)
            grid, block = ctypes.c_uint((N + 127) // 128), ctypes.c_uint(128)
            cuda.call(
                "cuLaunchKernel", function, grid, one, one, block, one, one, ctypes.c_uint(0), None, parameters, None
            )
            cuda.call("cuCtxSynchronize")
            got = struct.unpack("<%df" % N, buffers.get(out, 4 * N))
        finally:
            cuda.library.cuModuleUnload(module)
        if any(math.isnan(value) for value in got):
            check.fail("nan", "nan-results", wrong=sum(math.isnan(value) for value in got), total=N)
        wrong = sum(value != wanted for value, wanted in zip(got, right))
        check.number("wrong integers", float(wrong), 0.0)
        if check.outcome == "passed":
            check.tell("exact", right=N, total=N)
