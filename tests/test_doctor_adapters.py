"""The doctor where people train: batches as they come, LightningModules, dictionaries, and two trainers' callbacks.

The callbacks are tested with the real packages, which the course doesn't need: they are skipped where these are not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.doctor import diagnose, watch
from helpers.doctor import hooks as following
from helpers.doctor.inputs import NOT_GIVEN, adapted, loss_in


def dataset() -> TensorDataset:
    inputs = torch.randn(256, 20, generator=torch.Generator().manual_seed(0))
    return TensorDataset(inputs, (inputs[:, 0] > 0).long())


def perceptron() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))


class Step(nn.Module):
    """What a LightningModule has, without the package."""

    def __init__(self, answer: str = "loss") -> None:
        super().__init__()
        self.net, self.answer = perceptron(), answer

    def training_step(self, batch: Any, index: int) -> Any:
        loss = F.cross_entropy(self.net(batch[0]), batch[1])
        return loss if self.answer == "loss" else {"loss": loss, "index": index}


class WithLoss(nn.Module):
    """Returns its loss, as the models of Hugging Face do where the batch has labels."""

    def __init__(self) -> None:
        super().__init__()
        self.net = perceptron()

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.net(x)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def test_a_loaders_batch_is_taken_apart() -> None:
    batch = next(iter(DataLoader(dataset(), 64)))
    assert isinstance(batch, list)
    plain = diagnose(perceptron(), F.cross_entropy, batch[0], batch[1])
    found = diagnose(perceptron(), F.cross_entropy, batch)
    assert found.healthy and found.loss == plain.loss
    assert list(adapted(1, 2, (3, 4, 5))) == [1, 2, (3, 4), 5] and list(adapted(1, 2, 3)) == [1, 2, 3, None]
    assert list(adapted(1, 2, (3, 4), None)) == [1, 2, (3, 4), None] and repr(NOT_GIVEN) == "not given"


@pytest.mark.parametrize("answer", ["loss", "dictionary"])
def test_a_training_step_is_examined_with_its_batch(answer: str) -> None:
    inputs, labels = next(iter(DataLoader(dataset(), 64)))
    for arguments in ((None, [inputs, labels]), (None, inputs, labels)):
        found = diagnose(Step(answer), *arguments)
        assert found.healthy and found.model == "Step.training_step"
        assert {"module.net.0", "module.net.2"} <= {layer.name for layer in found.layers}


def test_a_dictionary_with_the_loss_is_enough() -> None:
    inputs, labels = next(iter(DataLoader(dataset(), 64)))
    assert diagnose(WithLoss(), None, {"x": inputs, "labels": labels}).healthy
    with pytest.raises(ValueError, match="hold no loss of one number: pass a loss_function"):
        loss_in({"logits": inputs})
    one = torch.ones(())
    assert loss_in((one, inputs)) is one and loss_in(one) is one


def test_a_plain_loop_takes_one_line() -> None:
    model = perceptron()
    stepper = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, show=False) as monitor:
        for _ in range(20):
            for inputs, labels in DataLoader(dataset(), 64):
                stepper.zero_grad()
                F.cross_entropy(model(inputs), labels).backward()
                stepper.step()
    assert monitor.diagnosis.healthy and monitor.diagnosis.steps == 80


# The real packages ---------------------------------------------------------------------------------------------------


def lightning_module(rate: float = 0.1) -> Any:
    lightning: Any = pytest.importorskip("lightning.pytorch", reason="PyTorch Lightning is not installed")

    class Module(lightning.LightningModule):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = perceptron()

        def training_step(self, batch: Any, index: int) -> Tensor:
            loss = F.cross_entropy(self.net(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=rate)

    return Module()


def lightning_trainer(folder: Path, callback: Any, **more: Any) -> Any:
    lightning: Any = pytest.importorskip("lightning.pytorch")
    return lightning.Trainer(
        max_epochs=30,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[callback],
        default_root_dir=folder,
        **more,
    )


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [1, 2])
def test_lightning_trains_and_is_concluded(tmp_path: Path, capsys: pytest.CaptureFixture[str], accumulate: int) -> None:
    module = lightning_module()
    from helpers.doctor.lightning import DoctorCallback

    callback = DoctorCallback(every=5, report=tmp_path / "report.json")
    trainer = lightning_trainer(tmp_path, callback, accumulate_grad_batches=accumulate)
    trainer.fit(module, DataLoader(dataset(), 64, shuffle=True))
    assert callback.monitor.problem == "" and callback.diagnosis.healthy, str(callback.diagnosis)
    assert callback.diagnosis.steps == 120 // accumulate
    assert callback.monitor._backwards.losses(1)[0] == pytest.approx(0.7, abs=0.1)
    assert "Verdict: healthy" in capsys.readouterr().out
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "healthy"
    assert following._followers == ()
    assert diagnose(module, None, next(iter(DataLoader(dataset(), 64)))).healthy


@pytest.mark.slow
def test_lightning_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    module = lightning_module()
    from helpers.doctor.lightning import DoctorCallback

    callback = DoctorCallback(show=False)
    module.training_step = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        lightning_trainer(tmp_path, callback).fit(module, DataLoader(dataset(), 64))
    assert following._followers == () and callback.diagnosis.verdict == "not examined"


def huggingface_trainer(folder: Path, callback: Any, rate: float) -> Any:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate, which the Trainer needs, is not installed")
    words = torch.randint(3, 50, (256, 12), generator=torch.Generator().manual_seed(0))
    rows = [{"input_ids": row, "labels": int(row[0] > 26)} for row in words]
    torch.manual_seed(0)
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=50,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=16,
        )
    )
    arguments = transformers.TrainingArguments(
        output_dir=folder,
        max_steps=120,
        per_device_train_batch_size=32,
        learning_rate=rate,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    return transformers.Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[callback])


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "verdict"), [(3e-3, "healthy"), (1e-6, "update too small")])
def test_hugging_face_trains_and_is_concluded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rate: float, verdict: str
) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    from helpers.doctor.huggingface import DoctorCallback

    callback = DoctorCallback(every=5, report=tmp_path / "report.json")
    trainer = huggingface_trainer(tmp_path, callback, rate)
    trainer.train()
    assert callback.monitor.problem == "" and callback.diagnosis.verdict == verdict, str(callback.diagnosis)
    assert callback.diagnosis.steps == 120 and f"Verdict: {verdict}" in capsys.readouterr().out
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == verdict
    assert following._followers == ()
    row = trainer.train_dataset[:32]
    batch = {
        "input_ids": torch.stack([each["input_ids"] for each in row]),
        "labels": torch.tensor([each["labels"] for each in row]),
    }
    assert diagnose(trainer.model, None, batch).loss > 0
