"""Writes ops.json: for each op the names of its operands, attributes and results, from TableGen."""

import argparse
import json
import pathlib
import subprocess

UPSTREAM = ["mlir/Dialect/Arith/IR/ArithOps.td", "mlir/Dialect/Math/IR/MathOps.td",
            "mlir/Dialect/Tensor/IR/TensorOps.td"]
PLAIN = {"I64Attr": "i64", "I32Attr": "i32", "IndexAttr": "index", "F64Attr": "f64", "F32Attr": "f32",
         "BoolAttr": "bool", "UnitAttr": "unit", "StrAttr": "str", "DenseI64ArrayAttr": "i64s",
         "DenseI32ArrayAttr": "i32s"}


def dump(options, files):
    source = "".join(f'include "{name}"\n' for name in files)
    command = [options.tblgen, "--dump-json", *(f"-I{path}" for path in options.I), "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Records:
    def __init__(self, records):
        self.records = records

    def classes(self, name):
        return self.records.get(name, {}).get("!superclasses", [])

    def arity(self, name):
        """"?" for an optional group, "*" for a variadic one."""
        classes = self.classes(name)
        return "?" if "Optional" in classes else "*" if "Variadic" in classes else ""

    def attribute(self, name):
        """How a Python value becomes the attribute, and whether it must be there."""
        required = "DefaultValuedAttr" not in self.classes(name) and name != "UnitAttr"
        while (base := self.records[name].get("baseAttr")) and name not in PLAIN:
            required = required and "OptionalAttr" not in self.classes(name)
            name = base["def"]
        record = self.records[name]
        if name in PLAIN:
            return PLAIN[name], required
        if "EnumAttr" in self.classes(name):
            body = record["assemblyFormat"].replace("`", "").replace(" ", "")
            dialect = self.records[record["dialect"]["def"]]["name"]
            name = record["mnemonic"]
            return (f"#{dialect}.{name}{body}" if body.startswith("<") else f"#{dialect}<{name} {body}>"), required
        return "", required

    def describe(self, record):
        operands, attributes = [], {}
        for argument, name in record["arguments"]["args"]:
            classes = self.classes(argument["def"])
            if "Attr" in classes or "AttrConstraint" in classes:
                attributes[name] = self.attribute(argument["def"])
            else:
                operands.append((name, self.arity(argument["def"])))
        results = [(name, self.arity(kind["def"])) for kind, name in record["results"]["args"]]
        traits = {trait["def"] for trait in record["traits"]}
        return {"operands": operands, "attributes": attributes, "results": results,
                "segments": "AttrSizedOperandSegments" in traits}

    def ops(self):
        for name in self.records["!instanceof"]["Op"]:
            record = self.records[name]
            dialect = self.records[record["opDialect"]["def"]]["name"]
            yield f"{dialect}.{record['opName']}", self.describe(record)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tblgen", required=True)
    parser.add_argument("-I", action="append", default=[])
    parser.add_argument("-o", type=pathlib.Path, required=True)
    options = parser.parse_args()
    families = pathlib.Path(options.I[0], "linnet/IR").glob("*Ops.td")
    ours = [f"linnet/IR/{path.name}" for path in sorted(families) if path.name != "ExecOps.td"]
    # one dump each: TableGen files of two dialects may define the same names
    ops = {}
    for files in (ours, *([name] for name in UPSTREAM)):
        ops.update(Records(dump(options, files)).ops())
    options.o.write_text(json.dumps(ops, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
