#!/usr/bin/env python3
"""Append what one benchmark found to a results list: results.py FOUND.JSON RESULTS.JSON

One object per path that is not the baseline; or the rows as they are, where the benchmark made them. ratio says how many
times better than the baseline; above 1 is better.
"""
import json
import pathlib
import sys

BASELINE = "bridge"
QUANTITIES = [("mean", "ns"), ("p50", "ns"), ("p99", "ns"), ("p999", "ns")]
COUNTS = ["exits", "halts", "interrupts", "switches"]


def others(paths):
    """Each path that is not the baseline, beside the baseline."""
    baseline = next((row for path, row in paths.items() if path.startswith(BASELINE + ".")), None)
    for path, row in paths.items():
        if baseline is not None and row is not baseline:
            yield path.split(".")[0], row, baseline


def label(conditions):
    return f"_{conditions['label']}" if conditions.get("label") else ""


def rtt_rows(rtt):
    conditions = {**rtt["conditions"], "event": "before send() to after recv(), CLOCK_MONOTONIC in the guest"}
    for path, row, baseline in others(rtt["paths"]):
        what = conditions["row"] or f"rtt_udp{conditions['size']}{label(conditions)}"
        name = f"{path}_{what}"
        values = [(quantity, row[quantity], baseline[quantity], unit) for quantity, unit in QUANTITIES]
        values += [(f"{count}_per_trip", row["per_trip"][count], baseline["per_trip"][count], "1")
                   for count in COUNTS if count in row["per_trip"]]
        for quantity, value, base, unit in values:
            yield {"name": name if quantity == "mean" else f"{name}_{quantity}", "value": value, "unit": unit,
                   "baseline_name": BASELINE, "baseline": base, "ratio": round(base / value, 3) if value else None,
                   "n": row["n"], "p50": row["p50"], "p99": row["p99"], "conditions": conditions}


def traffic_rows(found):
    """A row per kind and path; the ratio turns with what is better."""
    for kind, measured in found["kinds"].items():
        for path, row, baseline in others(measured["paths"]):
            better = row["mean"] / baseline["mean"]
            yield {"name": f"{path}_{kind}{label(found['conditions'])}", "value": row["mean"],
                   "unit": measured["unit"], "baseline_name": BASELINE, "baseline": baseline["mean"],
                   "ratio": round(better if measured["better"] == "more" else 1 / better, 3), "n": row["n"],
                   "p50": row["p50"], "p99": row["p99"], "conditions": found["conditions"]}


def rows_of(found):
    if "rows" in found:
        return [{"conditions": found.get("conditions"), **row} for row in found["rows"]]
    return traffic_rows(found) if "kinds" in found else rtt_rows(found)


def host(conditions):
    """The end of a row's name, unless the host is the usual one: _arm64x4 is ARM64 with four CPUs, _icount virtual time."""
    arch, cpus, icount = ((conditions or {}).get(f"QZ_LAB_{word}") for word in ("ARCH", "CPUS", "ICOUNT"))
    return ("" if arch in (None, "x86") else f"_{arch}x{cpus}") + ("_icount" if icount else "")


def main(source, target):
    target = pathlib.Path(target)
    known = json.loads(target.read_text()) if target.exists() else []
    target.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(pathlib.Path(source).read_text())
    known += [{**row, "name": row["name"] + host(row["conditions"])} for row in rows_of(found)]
    target.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
