"""The peers of benches/training.rs: FOLDER THREADS dense EPOCHS SEED | logistic ALPHA | sweep EPOCHS SETTINGS. Prints one JSON object.

Needs numpy, and torch or scikit-learn.
"""
import json
import os
import sys
import time

folder, threads, what, setting, *more = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = threads

import numpy as np  # noqa: E402 (after the environment)


def load(name):
    return np.load(f"{folder}/{name}.npy"), np.load(f"{folder}/{name}-labels.npy")


def train(data, epochs, width, dropout, rate):
    """A plain loop; seconds per epoch, and loss and accuracy on validation after the last."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    (x, y), (val_x, val_y) = data
    model = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], width), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(width, 1))
    for layer in (model[0], model[3]):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    seconds = []
    for _ in range(epochs):
        begun = time.perf_counter()
        model.train()
        for rows in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            loss_of(model(x[rows]).squeeze(1), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(val_x).squeeze(1)
            val_loss = loss_of(logits, val_y).item()
            accuracy = ((logits >= 0) == (val_y > 0.5)).double().mean().item()
        seconds.append(time.perf_counter() - begun)
    return seconds, val_loss, accuracy


def tensors(seed):
    import torch

    torch.set_num_threads(int(threads))
    torch.manual_seed(int(seed))
    pairs = [[torch.from_numpy(a) for a in load(name)] for name in ("train", "val")]
    return [(x, y.float()) for x, y in pairs]


def dense(epochs, seed):
    seconds, val_loss, _ = train(tensors(seed), epochs, 1024, 0.8, 1e-4)
    return {"epoch_seconds": seconds, "val_loss": val_loss}


def sweep(epochs, settings):
    data = tensors(1)
    begun = time.perf_counter()
    accuracies = []
    for setting in settings.split(";"):
        width, dropout, rate = setting.split(",")
        accuracies.append(train(data, epochs, int(width), float(dropout), float(rate))[2])
    return {"seconds": time.perf_counter() - begun, "val_accuracies": accuracies}


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
elif what == "sweep":
    answer = sweep(int(setting), more[0])
else:
    answer = logistic(float(setting))
print(json.dumps(answer))
