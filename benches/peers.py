"""Extraction by faceprobe and by what people use instead, on the same images, taking turns.

    python3 benches/peers.py FOLDER [--images 320] [--rounds 3] [--networks efficientnet-lite0,...]
                             [--against onnxruntime,...]

From image files to a .npy of averaged features, on all processors. Needs faceprobe built (`make build`) and, from pip,
torch, torchvision, timm, onnx, onnxruntime, safetensors, pillow, and for Keras tensorflow-cpu; what is missing is left
out and said, as is bf16 where the processor has none. The large networks take minutes per run, and with fewer than
some 200 images their figures say more about the first and last batches than about the rest. Weights are random (speed
does not depend on them) and the same for faceprobe, PyTorch and ONNX Runtime.
The time of a run is that of its work: start-up, compilation and one warm-up batch are before it. Prints the median
images per second of each, faceprobe's ratio to it, and the peak memory of its process.
"""
import argparse
import csv
import importlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "target/release/faceprobe"
# Name: side of the input, values = pixels / divisor - shift.
NETWORKS = {
    "efficientnet-lite0": (224, 128.0, 127 / 128),
    "mobilenet-v2": (224, 127.5, 1.0),
    "vgg16-torchvision": (224, 127.5, 1.0),
    "inception-resnet-v2": (299, 127.5, 1.0),
    "mobilenet-v1-vggface2": (224, 1.0, 115.0),
    "resnet-50": (224, 127.5, 1.0),
    "xception": (299, 127.5, 1.0),
    "convnext-tiny": (224, 127.5, 1.0),
    "vit-small-14": (224, 127.5, 1.0),
    "vit-b-32": (224, 127.5, 1.0),
}
OURS = ["faceprobe", "faceprobe bf16"]
PEERS = ["torch eager", "torch.compile", "onnxruntime", "keras"]
BATCH = 16


def module(name):
    """The PyTorch module of a network, without its classifier."""
    import torch

    torch.manual_seed(1)
    if name == "efficientnet-lite0":
        net = importlib.import_module("timm").create_model("tf_efficientnet_lite0", num_classes=0)
    elif name == "inception-resnet-v2":
        net = importlib.import_module("timm").create_model("inception_resnet_v2", num_classes=0)
    elif name == "mobilenet-v1-vggface2":
        net = mobilenet_v1()
    elif name == "resnet-50":
        net = importlib.import_module("torchvision").models.resnet50()
        net.fc = torch.nn.Identity()
    elif name == "convnext-tiny":
        net = importlib.import_module("torchvision").models.convnext_tiny()
        net.classifier = torch.nn.Flatten()
    elif name in ("vit-small-14", "vit-b-32"):
        # Both give the average of the patches.
        theirs = "vit_small_patch14_dinov2" if name == "vit-small-14" else "vit_base_patch32_clip_quickgelu_224"
        net = importlib.import_module("timm").create_model(
            theirs, num_classes=0, img_size=224, global_pool="avg", fc_norm=False)
    elif name == "xception":
        net = importlib.import_module("timm").create_model("legacy_xception", num_classes=0)
    elif name == "mobilenet-v2":
        net = importlib.import_module("torchvision").models.mobilenet_v2()
        net.classifier = torch.nn.Identity()
    else:
        vgg = importlib.import_module("torchvision").models.vgg16()
        net = torch.nn.Sequential()
        net.add_module("features", vgg.features)
        net.add_module("pool", torch.nn.AdaptiveAvgPool2d(1))
        net.add_module("flatten", torch.nn.Flatten())
    return net.eval()


def mobilenet_v1():
    """MobileNet v1 with batch normalisation folded, as faceprobe names it."""
    from torch import nn

    net, inputs = nn.Sequential(), 3

    def add(name, outputs, kernel, stride, groups=1):
        net.add_module(name, nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups))
        net.add_module(f"{name}_relu", nn.ReLU6())

    add("conv1", 32, 3, 2)
    inputs = 32
    widths = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    for number, (outputs, stride) in enumerate(widths, 1):
        add(f"conv_dw_{number}", inputs, 3, stride, inputs)
        add(f"conv_pw_{number}", outputs, 1, 1)
        inputs = outputs
    net.add_module("pool", nn.AdaptiveAvgPool2d(1))
    net.add_module("flatten", nn.Flatten())
    return net


def canonical(name, state):
    """The names that faceprobe has for a network's parameters, and what it wants besides."""
    import torch

    if name == "mobilenet-v1-vggface2":
        head = {"feats": (256, 1024), "gender_pred": (1, 256)}
        return state | {f"{layer}.weight": torch.randn(shape) / 32 for layer, shape in head.items()} | {
            f"{layer}.bias": torch.zeros(shape[0]) for layer, shape in head.items()}
    if name != "xception":
        return state
    names = {"conv1": "block1_conv1", "bn1": "block1_conv1_bn", "conv2": "block1_conv2", "bn2": "block1_conv2_bn"}
    for number in (1, 2):
        ends = f"block14_sepconv{number}"
        names |= {f"conv{number + 2}.conv1": f"{ends}.depthwise", f"conv{number + 2}.pointwise": f"{ends}.pointwise",
                  f"bn{number + 2}": f"{ends}_bn"}
    for block in range(1, 13):
        theirs, ours = f"block{block}", f"block{block + 1}"
        names |= {f"{theirs}.skip": f"{ours}_shortcut", f"{theirs}.skipbn": f"{ours}_shortcut_bn"}
        parts = [key.rsplit(".", 1)[0] for key in state if key.startswith(f"{theirs}.rep.")]
        parts = list(dict.fromkeys(parts))
        # Depthwise kernel, pointwise kernel, normalisation, and so on.
        for place, part in enumerate(parts):
            sepconv = f"{ours}_sepconv{place // 3 + 1}"
            names[part] = [f"{sepconv}.depthwise", f"{sepconv}.pointwise", f"{sepconv}_bn"][place % 3]
    return {f"{names[key.rsplit('.', 1)[0]]}.{key.rsplit('.', 1)[1]}": value for key, value in state.items()}


def decoded(files, side, divisor, shift):
    """Batches [N, side, side, 3] in float32, decoded by Pillow as they are asked for."""
    import numpy as np
    from PIL import Image

    for first in range(0, len(files), BATCH):
        pictures = [Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR)
                    for path in files[first:first + BATCH]]
        yield np.stack([np.asarray(picture, dtype=np.float32) for picture in pictures]) / divisor - shift


def forward(peer, name, folder):
    """A function from a batch [N, side, side, 3] to its features, by one of the peers."""
    import numpy as np

    if peer == "keras":
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        keras = importlib.import_module("keras")
        makers = {"mobilenet-v2": "MobileNetV2", "vgg16-torchvision": "VGG16",
                  "inception-resnet-v2": "InceptionResNetV2", "mobilenet-v1-vggface2": "MobileNet",
                  "xception": "Xception"}
        if name not in makers:
            raise LookupError("Keras has no such network")
        net = getattr(keras.applications, makers[name])(weights=None, include_top=False, pooling="avg")
        return lambda batch: net.predict_on_batch(batch)
    if peer == "onnxruntime":
        session = importlib.import_module("onnxruntime").InferenceSession(f"{folder}/{name}.onnx")
        return lambda batch: session.run(None, {"x": np.ascontiguousarray(batch.transpose(0, 3, 1, 2))})[0]
    import torch

    torch.set_grad_enabled(False)
    net = module(name).to(memory_format=torch.channels_last)
    if peer == "torch.compile":
        net = torch.compile(net)
    return lambda batch: net(torch.from_numpy(batch).permute(0, 3, 1, 2)).numpy()


def work(peer, name, folder, files):
    """The body of a peer's process: prints its images per second and its peak memory in MiB."""
    import numpy as np

    side, divisor, shift = NETWORKS[name]
    compute = forward(peer, name, folder)
    for batch in decoded(files[:BATCH], side, divisor, shift):
        compute(batch)
    start = time.perf_counter()
    rows = [compute(batch) for batch in decoded(files, side, divisor, shift)]
    np.save(f"{folder}/rows.npy", np.concatenate(rows))
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": len(files) / seconds, "memory": memory}))


def faceprobe(name, folder, files, dtype):
    """One extraction into an empty cache: images per second as faceprobe's own report has it, and peak memory."""
    workspace = tempfile.mkdtemp(dir=folder)
    table = f"{workspace}/images.csv"
    with open(table, "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["path", "label"])
        rows.writerows([path, "female" if at % 2 else "male"] for at, path in enumerate(files))
    third = len(files) // 2 // 3 * 2
    run([PROGRAM, "--workspace", workspace, "data", "prepare", "--source", f"csv:{table}", "--train", str(third),
         "--val", str(third), "--test", str(third), "--seed", "1"])
    out, memory = run([PROGRAM, "--workspace", workspace, "--json", "extract", "--backbone", name, "--dtype", dtype])
    # "180 computed at 150 images/s, ...": of the work alone, as the peers' own clocks have it.
    return {"rate": float(re.search(r"at ([0-9.]+) images/s", json.loads(out)["outcome"])[1]), "memory": memory}


def run(command):
    """A command's standard output and peak memory in MiB; ends the benchmark with its own words if it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as told:
        child = subprocess.Popen([str(word) for word in command], stdout=out, stderr=told)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        told.seek(0)
        if child.returncode != 0:
            last = told.read().strip().splitlines()[-1:]
            raise RuntimeError(last[0] if last else f"exit code {child.returncode}")
        return out.read(), usage.ru_maxrss / 1024


def supply(name, folder):
    """The same random weights for faceprobe and ONNX Runtime."""
    import torch
    from safetensors.torch import save_file

    net = module(name)
    state = {key: value.contiguous() for key, value in net.state_dict().items()}
    state = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    save_file(canonical(name, state), f"{folder}/{name}.safetensors")
    run([PROGRAM, "weights", "import", name, f"{folder}/{name}.safetensors"])
    side = NETWORKS[name][0]
    torch.onnx.export(net, torch.randn(2, 3, side, side), f"{folder}/{name}.onnx", dynamo=False,
                      input_names=["x"], dynamic_axes={"x": {0: "n"}})


def compare(name, folder, files, rounds, against):
    """Takes turns; prints one line per peer."""
    # In a process of its own: what is loaded here would count as memory of every process started from here.
    run([sys.executable, __file__, "--supply", "--networks", name, "--work", folder])
    rates, memory, left_out = {}, {}, {}
    for _ in range(rounds):
        for peer in OURS + against:
            if peer in left_out:
                continue
            try:
                if peer in OURS:
                    result = faceprobe(name, folder, files, "bf16" if peer.endswith("bf16") else "f32")
                else:
                    out, _ = run([sys.executable, __file__, "--peer", peer, "--networks", name, "--work", folder])
                    result = json.loads(out.strip().splitlines()[-1])
            except (RuntimeError, ValueError) as error:
                left_out[peer] = str(error)
                continue
            rates.setdefault(peer, []).append(result["rate"])
            memory[peer] = max(memory.get(peer, 0), result["memory"])
    ours = statistics.median(rates["faceprobe"]) if "faceprobe" in rates else float("nan")
    for peer in OURS + against:
        if peer in left_out:
            print(f"{name:22} {peer:14} left out: {left_out[peer]}", flush=True)
        else:
            rate = statistics.median(rates[peer])
            print(f"{name:22} {peer:14} {rate:7.1f} images/s   ratio {ours / rate:5.2f}   {memory[peer]:6.0f} MiB",
                  flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="a folder of photographs (.jpg)")
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--against", default=",".join(PEERS), help="some of the peers (default: all)")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--supply", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.supply:
        return supply(options.networks, options.work)
    if options.peer:
        files = json.loads(Path(options.work, "files.json").read_text())
        return work(options.peer, options.networks, options.work, files)
    if not options.folder:
        parser.error("name a folder of photographs")
    every = sorted(str(path.resolve()) for path in Path(options.folder).rglob("*.jpg"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FACEPROBE_WEIGHTS"] = f"{folder}/weights"
        for name in options.networks.split(","):
            # Whole batches for the peers (another size would be compiled anew), whole splits for faceprobe.
            count = max(options.images // 48 * 48, 48)
            files = every[:count]
            Path(folder, "files.json").write_text(json.dumps(files))
            compare(name, folder, files, options.rounds, options.against.split(","))


if __name__ == "__main__":
    main()
