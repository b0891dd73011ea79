"""`papergarden data check`: what a data set holds, in words or as JSON."""

from __future__ import annotations

import collections
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.errors import DataError
from components.example_gens.dataset_audit import Audit, audit
from pipelines.data_command.progress import ProgressView
from pipelines.datasets import DATASETS, DatasetEntry, find_dataset, recognise

NAMES_SHOWN = 3


def check(data_root: str, dataset: str | None, view: ProgressView) -> tuple[str, Audit]:
    """Reads a whole data set.

    Args:
        data_root: Where it is.
        dataset: Its name in the registry; None recognises it by its files.
        view: Shows how far it is.

    Returns:
        The data set's name, and what it holds.

    Raises:
        ConfigError: There is no data set of that name.
        DataError: No known data set is there.
    """
    if dataset is None:
        _require_folder(data_root)
        dataset = recognise(data_root)
    if dataset is None:
        raise _unknown_layout(data_root)
    source = find_dataset(dataset).open(data_root)
    records = sum(source.OFFICIAL_RECORDS.values())
    with view.work("checking", records, "records") as update:
        return dataset, audit(source, update)


def as_text(data_root: str, name: str, found: Audit) -> str:
    """What was found, for people."""
    entry, accounts = DATASETS[name], found.accounts
    lines = [f"data      {data_root}", f"layout    {entry.title}"]
    for split in (*accounts.listed, *found.faults):
        lines += _split_lines(split, entry, found)
    if accounts.rejects:
        lines.append(f"rejected  {len(accounts.rejects):,} records")
        lines += _reject_lines(accounts.rejects)
    if accounts.rejected_objects:
        lines.append(
            f"left out  {len(accounts.rejected_objects):,} of {accounts.objects:,} objects"
        )
        lines += _reject_lines(accounts.rejected_objects)
    if accounts.conversions:
        kinds = sorted(accounts.conversions.items())
        lines.append("converted " + ", ".join(f"{count:,} {kind}" for kind, count in kinds))
    lines.append(f"verdict   {_verdict(found)}")
    if found.is_sound and entry.run:
        lines.append(f"run       {entry.run_command(data_root, whole=found.is_whole is not False)}")
    return "\n".join(lines)


def as_json(data_root: str, name: str, found: Audit) -> str:
    """What was found, for programs."""
    counts = found.accounts.counts()
    splits: dict[str, Any] = {
        split: {
            **numbers,
            "official": found.official.get(split),
            "classes": found.classes[split],
        }
        for split, numbers in counts["splits"].items()
    }
    for split, fault in found.faults.items():
        splits[split] = {"fault": str(fault), "official": found.official.get(split)}
    content = {
        "data_root": data_root,
        "dataset": name,
        "sound": found.is_sound,
        "whole": found.is_whole,
        "splits": splits,
        "rejected": counts["rejected"],
        "rejects": found.accounts.rejects,
        "objects": counts.get("objects", {}),
        "rejected_objects": list(found.accounts.rejected_objects),
        "conversions": counts["conversions"],
    }
    return json.dumps(content, indent=2)


def _split_lines(split: str, entry: DatasetEntry, found: Audit) -> list[str]:
    fault = found.faults.get(split)
    if fault:
        return [f"{split:<9} cannot be read", *(f"          {x}" for x in str(fault).splitlines())]
    usable, listed = found.accounts.written[split], found.accounts.listed[split]
    official = found.official.get(split)
    line = f"{split:<9} {usable:,} records"
    if usable != listed:
        line += f" of {listed:,}"
    if official is not None:
        line += ", the official number" if listed == official else f"; officially {official:,}"
    return [line, *_class_lines(found.classes[split], entry.classes)]


def _class_lines(classes: Mapping[str, int], official: int | None) -> list[str]:
    if not classes:
        return []
    ordered = sorted(classes, key=lambda name: classes[name])
    fewest, most = ordered[0], ordered[-1]
    of_all = f" of {official:,}" if official is not None else ""
    spread = f"{classes[fewest]:,} records each"
    if classes[fewest] != classes[most]:
        spread = f"from {classes[fewest]:,} ({fewest}) to {classes[most]:,} ({most}) records"
    return [f"          {len(classes):,}{of_all} classes, {spread}"]


def _reject_lines(rejects: Sequence[dict[str, Any]]) -> list[str]:
    by_reason = collections.defaultdict(list)
    for entry in rejects:
        by_reason[entry["reason"]].append(entry)
    lines = []
    for reason, entries in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        lines.append(f"          {len(entries):,} {reason}")
        lines += [
            f"            {one['split']}: {one['what']} (found {one['found']})"
            for one in entries[:NAMES_SHOWN]
        ]
        if len(entries) > NAMES_SHOWN:
            lines.append(f"            … and {len(entries) - NAMES_SHOWN:,} more")
    return lines


def _verdict(found: Audit) -> str:
    if found.is_sound:
        amounts = {True: ", and all of the data set is there", False: "; it is a subset", None: ""}
        return f"sound: every record can be used{amounts[found.is_whole]}"
    empty = [split for split, usable in found.accounts.written.items() if not usable]
    faults = [f"the split {split} cannot be read" for split in found.faults]
    faults += [f"the split {split} has no usable record" for split in empty]
    if found.accounts.rejects:
        faults.append(f"{len(found.accounts.rejects):,} records cannot be used")
    if not found.has_enough_objects:
        faults.append(f"{len(found.accounts.rejected_objects):,} objects cannot be used")
    return "not sound: " + "; ".join(faults)


def _require_folder(data_root: str) -> None:
    if "://" in data_root or Path(data_root).is_dir():
        return
    raise DataError(
        f"there is no folder {data_root}",
        found="a file" if Path(data_root).exists() else "nothing",
        expected="the folder of a data set",
        fix="unpack the archive, or check the spelling",
    )


def _unknown_layout(data_root: str) -> DataError:
    folder = Path(data_root)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    inner = [name for name in names if (folder / name).is_dir() and recognise(str(folder / name))]
    width = max(map(len, DATASETS))
    known = [
        f"            {name:<{width}}  {' or '.join(entry.recognised_by)}"
        for name, entry in DATASETS.items()
    ]
    return DataError(
        f"{data_root} holds no data set of a known layout",
        found=", ".join(names[:8]) + (" …" if len(names) > 8 else "") if names else "nothing",
        expected="one of these files:\n" + "\n".join(known),
        fix=f"papergarden data check {folder / inner[0]}"
        if inner
        else "name the folder that holds these files, or say what it is with --dataset",
    )
