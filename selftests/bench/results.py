#!/usr/bin/env python3
"""Append the paths of one rtt.json or traffic.json to a results list: results.py FOUND.JSON RESULTS.JSON

One object per path that is not the baseline. ratio says how many times better than the baseline; above 1 is better.
"""
import json
import pathlib
import sys

BASELINE = "bridge"
QUANTITIES = [("mean", "ns"), ("p50", "ns"), ("p99", "ns"), ("p999", "ns")]
COUNTS = ["exits", "halts", "interrupts", "switches"]


def rows(rtt):
    paths = rtt["paths"]
    baseline = next((row for path, row in paths.items() if path.startswith(BASELINE + ".")), None)
    conditions = {**rtt["conditions"], "event": "before send() to after recv(), CLOCK_MONOTONIC in the guest"}
    for path, row in paths.items():
        if baseline is None or row is baseline:
            continue
        clock = "_icount" if conditions.get("QZ_LAB_ICOUNT") else ""
        label = f"_{conditions['label']}" if conditions.get("label") else ""
        name = f"{path.split('.')[0]}_rtt_udp{conditions['size']}{label}{clock}"
        values = [(quantity, row[quantity], baseline[quantity], unit) for quantity, unit in QUANTITIES]
        values += [(f"{count}_per_trip", row["per_trip"][count], baseline["per_trip"][count], "1")
                   for count in COUNTS]
        for quantity, value, base, unit in values:
            yield {"name": name if quantity == "mean" else f"{name}_{quantity}", "value": value, "unit": unit,
                   "baseline_name": BASELINE, "baseline": base, "ratio": round(base / value, 3) if value else None,
                   "n": row["n"], "p50": row["p50"], "p99": row["p99"], "conditions": conditions}


def traffic_rows(found):
    """A row per kind and path; the ratio turns with what is better."""
    label = f"_{found['conditions']['label']}" if found["conditions"].get("label") else ""
    for kind, measured in found["kinds"].items():
        baseline = next((row for path, row in measured["paths"].items() if path.startswith(BASELINE + ".")), None)
        for path, row in measured["paths"].items():
            if baseline is None or row is baseline:
                continue
            better = row["mean"] / baseline["mean"]
            yield {"name": f"{path.split('.')[0]}_{kind}{label}", "value": row["mean"], "unit": measured["unit"],
                   "baseline_name": BASELINE, "baseline": baseline["mean"],
                   "ratio": round(better if measured["better"] == "more" else 1 / better, 3), "n": row["n"],
                   "p50": row["p50"], "p99": row["p99"], "conditions": found["conditions"]}


def main(source, target):
    target = pathlib.Path(target)
    known = json.loads(target.read_text()) if target.exists() else []
    target.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(pathlib.Path(source).read_text())
    known += traffic_rows(found) if "kinds" in found else rows(found)
    target.write_text(json.dumps(known, indent=1) + "\n")


main(*sys.argv[1:])
