"""The peers of crates/engine/benches/training.rs: FOLDER THREADS dense EPOCHS SEED | logistic ALPHA | sweep EPOCHS SETTINGS |
twins EPOCHS SETTINGS. Prints one JSON object.

Needs numpy, and torch or scikit-learn.
"""
import json
import os
import sys
import time

folder, threads, what, setting, *more = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = threads

import numpy as np  # noqa: E402 (after the environment)

if what != "logistic":
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of


def load(name):
    return np.load(f"{folder}/{name}.npy"), np.load(f"{folder}/{name}-labels.npy")


def model_of(inputs, width, dropout):
    model = torch.nn.Sequential(
        torch.nn.Linear(inputs, width), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(width, 1))
    for layer in (model[0], model[3]):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return model


def train(data, epochs, model, rate, orders=None):
    """A plain loop; seconds per epoch, the loss on validation after the last, and the accuracy after each."""
    (x, y), (val_x, val_y) = data
    optimizer = torch.optim.Adam(model.parameters(), rate)
    seconds, accuracies = [], []
    for epoch in range(epochs):
        order = torch.randperm(len(x)) if orders is None else orders[epoch]
        begun = time.perf_counter()
        model.train()
        for rows in order.split(128):
            optimizer.zero_grad()
            loss_of(model(x[rows]).squeeze(1), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(val_x).squeeze(1)
            val_loss = loss_of(logits, val_y).item()
            accuracies.append(((logits >= 0) == (val_y > 0.5)).double().mean().item())
        seconds.append(time.perf_counter() - begun)
    return seconds, val_loss, accuracies


def tensors(seed):
    torch.set_num_threads(int(threads))
    torch.manual_seed(int(seed))
    pairs = [[torch.from_numpy(a) for a in load(name)] for name in ("train", "val")]
    return [(x, y.float()) for x, y in pairs]


def dense(epochs, seed):
    data = tensors(seed)
    seconds, val_loss, _ = train(data, epochs, model_of(data[0][0].shape[1], 1024, 0.8), 1e-4)
    return {"epoch_seconds": seconds, "val_loss": val_loss}


def sweep(epochs, settings, twins, turned=False):
    """Heads that see the same batches as faceprobe's; twins begin with the same weights and drop the same units too.
    Turned around, features and the weights on them stand in the opposite order: the same training, rounded otherwise."""
    data = tensors(1)
    if turned:
        data = [(x.flip(1).contiguous(), y) for x, y in data]
    orders = torch.from_numpy(np.load(f"{folder}/orders.npy").astype(np.int64))
    begun = time.perf_counter()
    accuracies = []
    for setting in settings.split(";"):
        width, dropout, rate = setting.split(",")
        model = model_of(data[0][0].shape[1], int(width), float(dropout))
        if twins:
            with torch.no_grad():
                for layer, name in ((0, "hidden"), (3, "out")):
                    weight = torch.from_numpy(np.load(f"{folder}/{name}-{width}.npy"))
                    model[layer].weight.copy_(weight.flip(1) if turned and layer == 0 else weight)
            model[2] = GivenDropout(f"{folder}/kept-{width}-{dropout}.npy", int(width), float(dropout))
        accuracies.append(train(data, epochs, model, float(rate), orders)[2])
    return {"seconds": time.perf_counter() - begun, "val_accuracies": accuracies}


if what == "twins":
    class GivenDropout(torch.nn.Module):
        """Keeps what the bits in a file say, sample by sample in the order in which they come."""

        def __init__(self, path, width, rate):
            super().__init__()
            self.bits, self.width, self.scale, self.at = np.load(path, mmap_mode="r"), width, 1 / (1 - rate), 0

        def forward(self, values):
            if not self.training:
                return values
            bits = self.bits[self.at:self.at + len(values)]
            self.at += len(values)
            kept = np.unpackbits(bits, axis=1, count=self.width, bitorder="little")
            return values * torch.from_numpy(kept.astype(np.float32) * np.float32(self.scale))


def logistic(alpha):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    x, y = load("train")
    begun = time.perf_counter()
    x = StandardScaler(copy=False).fit_transform(x)
    scaled = time.perf_counter() - begun
    seconds = []
    for tolerance in (1e-4, 1e-6):
        begun = time.perf_counter()
        model = LogisticRegression(C=1 / alpha, tol=tolerance, max_iter=5000).fit(x, y)
        probabilities = model.predict_proba(x)[:, 1]
        seconds.append(scaled + time.perf_counter() - begun)
    # What both are held against, not timed: in single precision scikit-learn does not come to its optimum.
    x = x.astype(np.float64)
    model = LogisticRegression(C=1 / alpha, tol=1e-8, max_iter=20000).fit(x, y)
    probabilities = model.predict_proba(x)[:, 1]
    return {"seconds": seconds[0], "tight_seconds": seconds[1], "coefficients": model.coef_[0].tolist(),
            "probabilities": probabilities.tolist()}


if what == "dense":
    answer = dense(int(setting), more[0])
elif what in ("sweep", "twins"):
    answer = sweep(int(setting), more[0], what == "twins")
    if what == "twins":
        answer["turned"] = sweep(int(setting), more[0], True, turned=True)["val_accuracies"]
else:
    answer = logistic(float(setting))
print(json.dumps(answer))
