import os
import shutil
import subprocess
import lit.formats

config.name = "linnet"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "data", "Foreign"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.linnet_obj, "test")
config.environment["PATH"] = os.pathsep.join(
    [config.linnet_bin, config.llvm_tools, os.environ["PATH"]])
for knob in ("LINNET_QUICK", "LINNET_FULL"):  # of ./dev test
    config.environment[knob] = os.environ.get(knob, "")
config.substitutions.append(("%src", config.linnet_src))
config.substitutions.append(("%lib", config.linnet_lib))
config.substitutions.append(("%obj", config.linnet_obj))
config.substitutions.append(("%python", os.path.join(config.linnet_src, ".venv/bin/python")))
# What models are compiled for and run on: LINNET_DEVICE of ./dev test --device
device = os.environ.get("LINNET_DEVICE") or "cpu"
config.substitutions.append(("%compile", f"linnet-compile --target={device.partition(':')[0]}"))
config.substitutions.append(("%run", f"linnet-run --device={device}"))
# A Vulkan device (Mesa's in software is enough) and the tools that make modules by hand.
devices = subprocess.run([os.path.join(config.linnet_bin, "linnet-run"), "--list-devices"],
                         capture_output=True, text=True).stdout
if "vulkan:1 " in devices and shutil.which("spirv-as"):
    config.available_features.add("vulkan")
if os.path.exists("/usr/share/common-licenses"):
    config.available_features.add("licences")
if os.path.exists(os.path.join(config.linnet_bin, "fuzz-bundle-asan")):
    config.available_features.add("fuzz-bundle-asan")
