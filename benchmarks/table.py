#!/usr/bin/env python3
"""Prints rows of the table in docs/performance.md: medians of five, and their spread. Usage:
table.py [folder of the programs] [row ...]. Rows: products step attention head layers elementwise (all).

Run it on an idle machine. Every figure is a share of the peak measured beside it, in CPU time of all threads.
"""
import json
import math
import pathlib
import re
import subprocess
import sys

TYPES = ('bf16', 'float')


def measured(program, pattern):
    """{name of the benchmark: {counter: (median, spread as a share)}}"""
    command = [program, f'--benchmark_filter={pattern}', '--benchmark_format=json']
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f'{program} ended with {run.returncode}\n{run.stderr}')
    runs = json.loads(run.stdout)['benchmarks']
    figures = {}
    for r in runs:
        of = figures.setdefault(r['run_name'].removesuffix('/manual_time'), {})
        for counter in ('peak_percent', 'GB/s'):
            median, spread = of.get(counter, (0, 0))
            if r['aggregate_name'] == 'median':
                median = r[counter]
            if r['aggregate_name'] == 'spread':
                spread = r[counter]
            of[counter] = median, spread
    return figures


def spread(figures, counter='peak_percent'):
    return f'(spread of five at most {100 * max(f[counter][1] for f in figures.values()):.1f} %)'


def between(figures, counter='peak_percent', digits=0):
    medians = [f[counter][0] for f in figures.values()]
    return f'{min(medians):.{digits}f} to {max(medians):.{digits}f}'


def geometric_mean(figures, kinds):
    logarithms = [math.log(f['peak_percent'][0]) for name, f in figures.items() if name.rpartition('/')[2] in kinds]
    return math.exp(sum(logarithms) / len(logarithms))


def row(what, command, result):
    print(f'| {what} | `{command}` | {result} |', flush=True)


def products(bin):
    for t in TYPES:
        f = measured(bin / 'bench_gemm', f'/{t}/')
        row(f"{t} products, eight shapes, y = x W', dx = dy W, dW += dy' x", f'bench_gemm --benchmark_filter=/{t}/',
            f"geometric mean {geometric_mean(f, ('y', 'dx', 'dW')):.0f} % of the peak, "
            f"{geometric_mean(f, ('dW', 'y_packed', 'dx_packed')):.0f} % with packed weights {spread(f)}")


def step(bin):
    for arguments, what in (('full', 'whole step, SmolLM2-135M shape, T = 512, full fine-tuning, AdamW'),
                            ('lora 512 2 0.25', 'the same, LoRA of rank 16 on 7 projections, a quarter supervised')):
        text = subprocess.run([bin / 'bench_step', *arguments.split()], capture_output=True, text=True, check=True).stdout
        found = re.search(r'([\d.]+) CPU s \(([\d.]+) to ([\d.]+)\).* = ([\d.]+) % of the peak.*peak RSS (\d+) MiB',
                          text.replace('\n', ' '))
        cpu, least, most, share, resident = found.groups()
        row(what, f'bench_step {arguments}',
            f'{float(share):.0f} % of the peak, {cpu} CPU s ({least} to {most}), {resident} MiB peak RSS')


def attention(bin):
    forward, backward = (measured(bin / 'bench_attention', f'9_3_heads.*/{p}') for p in ('forward', 'backward'))
    row('causal attention, bf16, 9 / 3 heads of 64, T = 512 to 2048', 'bench_attention --benchmark_filter=9_3_heads',
        f'forward {between(forward)} % of the peak {spread(forward)}, backward {between(backward)} % {spread(backward)}')


def head(bin):
    f = measured(bin / 'bench_linear_ce', '/trained/.*x576')
    shares = ', '.join(f"{f[n]['peak_percent'][0]:.0f} % ({n.split('/')[2].split('_')[0]})" for n in f)
    row('head and loss, 512 or 128 of 512 tokens supervised, 49152 x 576, trained',
        "bench_linear_ce --benchmark_filter='/trained/.*x576'", f'{shares} of the peak {spread(f)}')


def layers(bin):
    for t in TYPES:
        f = measured(bin / 'bench_layers', f'Block/.*/{t}/')
        row(f'blocks of both model families, {t}', f"bench_layers --benchmark_filter='Block/.*/{t}/'",
            f'{between(f)} % of the peak {spread(f)}')


def elementwise(bin):
    f = measured(bin / 'bench_elementwise', 'norm.*bf16|swiglu.*bf16|rope.*bf16')
    row('norms, SwiGLU, RoPE over 2048 x 2048, bf16', "bench_elementwise --benchmark_filter=bf16",
        f"{between(f, 'GB/s')} GB/s by the clock {spread(f, 'GB/s')}")


ROWS = {f.__name__: f for f in (products, step, attention, head, layers, elementwise)}


def main():
    bin = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'build/benchmarks/bin')
    print('| what | command | measured |\n|---|---|---|', flush=True)
    for name in sys.argv[2:] or ROWS:
        ROWS[name](bin)


if __name__ == '__main__':
    main()
