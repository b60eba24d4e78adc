# ===- capi.py - MLIR's C API through ctypes -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Types and functions of libLinnetC.so, which this loads: any Python does, nothing is compiled."""

import ctypes
import os
import pathlib

c_intptr = ctypes.c_ssize_t


def _handle(name):
    return type(name, (ctypes.Structure,), {"_fields_": [("ptr", ctypes.c_void_p)]})


Attribute, Context, Identifier, Location = map(_handle, ("Attribute", "Context", "Identifier", "Location"))
Operation, Rewriter, Type, Value, PatternRewriter = map(
    _handle, ("Operation", "Rewriter", "Type", "Value", "PatternRewriter"))


class StringRef(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    def __str__(self):
        return ctypes.string_at(self.data, self.length).decode()


class NamedAttribute(ctypes.Structure):
    _fields_ = [("name", Identifier), ("attribute", Attribute)]


class OperationState(ctypes.Structure):
    _fields_ = [("name", StringRef), ("location", Location),
                ("nResults", c_intptr), ("results", ctypes.c_void_p),
                ("nOperands", c_intptr), ("operands", ctypes.c_void_p),
                ("nRegions", c_intptr), ("regions", ctypes.c_void_p),
                ("nSuccessors", c_intptr), ("successors", ctypes.c_void_p),
                ("nAttributes", c_intptr), ("attributes", ctypes.c_void_p),
                ("enableResultTypeInference", ctypes.c_bool)]


PRINTER = ctypes.CFUNCTYPE(None, StringRef, ctypes.c_void_p)
# a callback's structures arrive as the pointers that they hold
REWRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)

_State = ctypes.POINTER(OperationState)
_SIGNATURES = {
    "mlirContextIsRegisteredOperation": (ctypes.c_bool, Context, StringRef),
    "mlirOperationGetContext": (Context, Operation),
    "mlirOperationGetName": (Identifier, Operation),
    "mlirOperationGetLocation": (Location, Operation),
    "mlirOperationGetNumOperands": (c_intptr, Operation),
    "mlirOperationGetOperand": (Value, Operation, c_intptr),
    "mlirOperationGetNumResults": (c_intptr, Operation),
    "mlirOperationGetResult": (Value, Operation, c_intptr),
    "mlirOperationGetAttributeByName": (Attribute, Operation, StringRef),
    "mlirOperationPrint": (None, Operation, PRINTER, ctypes.c_void_p),
    "mlirOperationStateGet": (OperationState, StringRef, Location),
    "mlirOperationStateAddResults": (None, _State, c_intptr, ctypes.POINTER(Type)),
    "mlirOperationStateAddOperands": (None, _State, c_intptr, ctypes.POINTER(Value)),
    "mlirOperationStateAddAttributes": (None, _State, c_intptr, ctypes.POINTER(NamedAttribute)),
    "mlirOperationStateEnableResultTypeInference": (None, _State),
    "mlirOperationCreate": (Operation, _State),
    "mlirIdentifierGet": (Identifier, Context, StringRef),
    "mlirIdentifierStr": (StringRef, Identifier),
    "mlirAttributeParseGet": (Attribute, Context, StringRef),
    "mlirAttributePrint": (None, Attribute, PRINTER, ctypes.c_void_p),
    "mlirTypeParseGet": (Type, Context, StringRef),
    "mlirTypePrint": (None, Type, PRINTER, ctypes.c_void_p),
    "mlirTypeIsARankedTensor": (ctypes.c_bool, Type),
    "mlirTypeEqual": (ctypes.c_bool, Type, Type),
    "mlirShapedTypeGetRank": (ctypes.c_int64, Type),
    "mlirShapedTypeIsDynamicDim": (ctypes.c_bool, Type, c_intptr),
    "mlirShapedTypeGetDimSize": (ctypes.c_int64, Type, c_intptr),
    "mlirShapedTypeGetElementType": (Type, Type),
    "mlirValueGetType": (Type, Value),
    "mlirValueIsAOpResult": (ctypes.c_bool, Value),
    "mlirOpResultGetOwner": (Operation, Value),
    "mlirPatternRewriterAsBase": (Rewriter, PatternRewriter),
    "mlirRewriterBaseInsert": (Operation, Rewriter, Operation),
    "mlirRewriterBaseReplaceOpWithValues":
        (None, Rewriter, Operation, c_intptr, ctypes.POINTER(Value)),
    "mlirRewriterBaseEraseOp": (None, Rewriter, Operation),
    "linnetRegisterRule": (ctypes.c_bool, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p,
                           ctypes.c_uint, ctypes.c_char_p, REWRITE, ctypes.c_void_p),
    "linnetRegisterRulesPass":
        (None, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), c_intptr),
    "linnetFailRule": (None, StringRef),
    "linnetNotifyMatchFailure": (None, PatternRewriter, Operation, StringRef),
    "linnetOptMain": (ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)),
}


def folder():
    """The lib folder: of the installation that this file is in, or of the build ($LINNET_BUILD)."""
    installed = pathlib.Path(__file__).resolve().parents[5]
    candidates = [pathlib.Path(os.environ["LINNET_BUILD"], "lib")] if "LINNET_BUILD" in os.environ else []
    for path in [*candidates, installed]:
        if (path / "libLinnetC.so").exists():
            return path
    raise ImportError("there is no libLinnetC.so: rules run in linnet-py, or set LINNET_BUILD to a build or "
                      "an installation of Linnet")


_library = ctypes.CDLL(str(folder() / "libLinnetC.so"))
for _name, (_result, *_arguments) in _SIGNATURES.items():
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments
    globals()[_name] = _function


class Bytes(StringRef):
    """A StringRef of Python's, which keeps its bytes."""

    def __init__(self, text):
        self._bytes = text.encode()
        super().__init__(ctypes.cast(ctypes.c_char_p(self._bytes), ctypes.c_void_p), len(self._bytes))


def printed(function, handle):
    """What one of MLIR's print functions prints."""
    parts = []
    collect = PRINTER(lambda text, _: parts.append(ctypes.string_at(text.data, text.length)))
    function(handle, collect, None)
    return b"".join(parts).decode()


def array(kind, handles):
    return (kind * len(handles))(*handles)
