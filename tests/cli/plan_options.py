"""Options of plans for processes that need not be there."""
import re
from sft_runs import *

STEP = r"^(\d+) +(\d) +([0-9.e+-]+) s +([0-9.]+ \w+) +([0-9.e+-]+) s +([0-9.e+-]+) s$"


def shown(text):
    number, unit = text.split()
    return float(number) * {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}[unit]


def plan(**changes):
    return ok(sft({"plan": [], "precision": ["fp32"], **ALL, **changes}, output=False)).out


def memory(**changes):
    """Bytes by kind: a list for the four stages."""
    rows = re.findall(r"^([a-z][a-z -]+?)((?: +(?:-|[0-9.]+ [KMG]?i?B)){4})$", plan(**changes), re.M)
    return {kind: [0 if c == "-" else shown(c) for c in re.findall(r"-|[0-9.]+ [KMG]?i?B", cells)] for kind, cells in rows}


def steps(**changes):
    """Seconds of a step, without and with messages that overlap, and bytes that arrive, by (ranks, stage)."""
    rows = re.findall(STEP, plan(**changes), re.M)
    return {(int(r), int(s)): (float(step), float(best), shown(received), float(computes))
            for r, s, computes, received, step, best in rows}


@test
def ranks():
    four = memory(ranks=[4])
    for kind, first in (("master weights", 1), ("optimiser state", 1), ("gradients", 2), ("weights", 3)):
        whole = four[kind][0]
        for stage, part in enumerate(four[kind]):
            assert abs(part - whole / (4 if stage >= first else 1)) < 0.03 * whole, (kind, four[kind])
    assert four["lent weights"][2] == 0 < four["lent weights"][3] and four["lent gradients"][1] == 0 < four["lent gradients"][2]
    assert sorted(four["total"], reverse=True) == four["total"]
    alone = memory(ranks=[1])["total"]
    assert max(alone) - min(alone) < 1e-3 * max(alone), alone  # as shown, rounded
    refused(sft({"ranks": [4]}), 2, "OPT-CONFLICT-009")


@test
def network_gbit():
    slow, quick = (steps(ranks=[6], network_gbit=[g], peak_tflops=[1]) for g in (0.5, 1))
    assert sorted({r for r, _ in slow}) == [1, 2, 4, 6] and len(slow) == 16
    for key, (step, best, received, computes) in slow.items():
        assert abs((step - computes) - 2 * (quick[key][0] - computes)) <= 2e-3 * step, key
        assert computes <= best <= step * 1.001, key
        assert (received == 0) == (key[0] == 1), key
    trained = slow[2, 0][2]  # fp32: a whole sum on two ranks is what all gradients are
    for ranks in (2, 4, 6):
        share = (ranks - 1) / ranks
        expected = [2 * share, 2 * share, 2 * share, 3 * share]  # stage 3: all weights twice, and its gradients
        for stage in range(4):
            assert abs(slow[ranks, stage][2] - expected[stage] * trained) < 0.05 * trained, (ranks, stage)
    refused(sft({"plan": [], "network_gbit": [1]}, output=False), 2, "OPT-CONFLICT-009")


@test
def peak_tflops():
    one, two = (steps(ranks=[2], network_gbit=[1], peak_tflops=[p]) for p in (1, 2))
    assert all(abs(one[k][3] - 2 * two[k][3]) < 2e-3 * one[k][3] and one[k][2] == two[k][2] for k in one)
    refused(sft({"plan": [], "ranks": [2], "peak_tflops": [1]}, output=False), 2, "OPT-CONFLICT-009")
