# ===- testing.py - public names for executed tests -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
from linnet._src.running_error import Computed, Likely  # noqa: F401
from linnet._src.testing import (  # noqa: F401
    CompileError,
    DTYPES,
    NAMES,
    FLOATS,
    argument,
    assert_close,
    assert_same_bits,
    build_folder,
    compile_text,
    device_flags,
    function,
    load,
    open_bundle,
    random,
    run,
    run_cases,
    on_cpu,
    run_command,
    tensor_type,
    tolerance,
    unit_roundoff,
    wide,
)
