"""PyTorch: the same decoder as a PyTorch user writes it, eager or compiled."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt
import torch  # type: ignore[import-not-found]
from torch import nn  # type: ignore[import-not-found]
from torch.nn import functional  # type: ignore[import-not-found]

from benchmarks import gpt_case, worker
from benchmarks.gpt_case import Case

_THREADS = 2
_SPARED = ("embedding", "position", "absent")  # tables, which weight decay spares; as it does norms and biases


class Block(nn.Module):
    """Attention and feed-forward network, each around a residual path that starts with a norm."""

    def __init__(self, case: Case):
        super().__init__()
        width, inner = case.width, 4 * case.width
        self.heads = case.heads
        self.attention_norm = nn.LayerNorm(width, eps=gpt_case.NORM_EPSILON)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.project = nn.Linear(width, width, bias=False)
        self.feed_norm = nn.LayerNorm(width, eps=gpt_case.NORM_EPSILON)
        self.expand = nn.Linear(width, inner)
        self.contract = nn.Linear(inner, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 `[batch, seq, width]` in and out."""
        batch, seq, width = hidden.shape
        parts = self.query_key_value(self.attention_norm(hidden))
        query, key, value = parts.view(batch, seq, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        hidden = hidden + self.project(mixed.transpose(1, 2).reshape(batch, seq, width))
        return hidden + self.contract(functional.relu(self.expand(self.feed_norm(hidden))).square())


class Gpt(nn.Module):
    """The decoder, with its loss."""

    def __init__(self, case: Case):
        super().__init__()
        self.embedding = nn.Embedding(case.vocabulary, case.width)
        self.position = nn.Parameter(torch.empty(case.tokens + 1, case.width))
        self.absent = nn.Parameter(torch.empty(1, case.width))
        self.previous = nn.Linear(case.width, case.width, bias=False)
        self.blocks = nn.ModuleList(Block(case) for _ in range(case.depth))
        self.norm = nn.LayerNorm(case.width, eps=gpt_case.NORM_EPSILON)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The loss of ids `[batch, tokens + 1]`, the mean over tokens, nats."""
        tokens = self.embedding(ids[:, :-1])
        before = functional.pad(tokens, (0, 0, 1, 0))[:, :-1]
        tokens = tokens + self.previous(before) + self.position[: tokens.shape[1]]
        hidden = torch.cat([self.absent.expand(len(ids), 1, -1), tokens], dim=1)
        for block in self.blocks:
            hidden = block(hidden)
        logits = functional.linear(self.norm(hidden[:, 1:]), self.embedding.weight)
        return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the weights, compiles if `compiled`, and does the compared steps."""
    torch.set_num_threads(_THREADS)
    case, folder = Case(**arguments["case"]), pathlib.Path(arguments["folder"])
    model = Gpt(case)
    _load(model, folder / gpt_case.WEIGHTS)
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        (spared if weight.ndim < 2 or name.split(".")[0] in _SPARED else decayed).append(weight)
    optimizer = torch.optim.AdamW(
        [{"params": decayed}, {"params": spared, "weight_decay": 0.0}],
        weight_decay=case.weight_decay,
        betas=(gpt_case.BETA_1, gpt_case.BETA_2),
        eps=gpt_case.EPSILON,
        fused=True,
    )
    loss_of = torch.compile(model) if arguments["compiled"] else model

    def step(number: int, ids: npt.NDArray[np.int32]) -> float:
        for group in optimizer.param_groups:
            group["lr"] = case.learning_rate_of(number)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(torch.from_numpy(ids.astype(np.int64)))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), case.clip_norm)
        optimizer.step()
        return loss.item()

    return gpt_case.work(case, folder, step)


def _load(model: Gpt, path: pathlib.Path) -> None:
    weights = np.load(path)
    transposed = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            value = torch.from_numpy(weights[name])
            parameter.copy_(value.T if name in transposed else value)


if __name__ == "__main__":
    worker.serve(prepare, "torch")
