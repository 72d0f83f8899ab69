"""The peers of benches/training.rs: FOLDER THREADS dense EPOCHS | logistic ALPHA. Prints one JSON object.

Needs numpy, and torch or scikit-learn.
"""
import json
import os
import sys
import time

folder, threads, what, setting = sys.argv[1:5]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = threads

import numpy as np  # noqa: E402 (after the environment)


def load(name):
    return np.load(f"{folder}/{name}.npy"), np.load(f"{folder}/{name}-labels.npy")


def dense(epochs):
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    (x, y), (val_x, val_y) = ([torch.from_numpy(a) for a in load(name)] for name in ("train", "val"))
    y, val_y = y.float(), val_y.float()
    model = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], 1024), torch.nn.ReLU(), torch.nn.Dropout(0.8), torch.nn.Linear(1024, 1))
    for layer in (model[0], model[3]):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
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
            val_loss = loss_of(model(val_x).squeeze(1), val_y).item()
        seconds.append(time.perf_counter() - begun)
    return {"epoch_seconds": seconds, "val_loss": val_loss}


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
    return {"seconds": seconds[0], "tight_seconds": seconds[1], "coefficients": model.coef_[0].tolist(),
            "probabilities": probabilities.tolist()}


print(json.dumps(dense(int(setting)) if what == "dense" else logistic(float(setting))))
