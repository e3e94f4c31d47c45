#!/usr/bin/env python3
"""Prints the planned tables of docs/scaling.md: memory and steps of large models on 1 to 64 ranks, from their
configurations alone. Usage: plan_scaling.py FOLDER_OF_PROGRAMS [network Gbit/s] [peak TFLOP/s of a rank]

The models are LLaMA-2's sizes behind CLIP ViT-L/14-336; no weights are there. Whole training: encoder, projector,
decoder; --max_seq_len 2048, one sequence of it on each rank, blocks recomputed.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

SIZES = {'7B': dict(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32),
         '13B': dict(hidden_size=5120, intermediate_size=13824, num_hidden_layers=40, num_attention_heads=40)}
CLIP = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336,
            patch_size=14)


def changed(path, changes):
    config = json.load(open(path))
    config.update(changes)
    json.dump(config, open(path, 'w'))


def models(programs, folder, size):
    """Folders with the small models' files, but the configurations of large ones."""
    subprocess.run([f'{programs}/make_shapes_dataset', '--output_dir', folder, '--records', '2', '--test_records', '1'],
                   check=True, stdout=subprocess.DEVNULL)
    changed(f'{folder}/language_model/config.json',
            {**SIZES[size], 'num_key_value_heads': SIZES[size]['num_attention_heads'], 'vocab_size': 32000,
             'max_position_embeddings': 4096, 'head_dim': 128, 'tie_word_embeddings': False})
    changed(f'{folder}/vision_model/config.json', CLIP)
    path = f'{folder}/vision_model/preprocessor_config.json'
    changed(path, {'size': {'shortest_edge': 336}, 'crop_size': {'height': 336, 'width': 336}})


def plan(programs, folder, ranks, *more):
    command = [f'{programs}/sft_main', '--plan', '--ranks', str(ranks), '--precision', 'bf16', '--vis_encoder_update',
               '--lang_decoder_update', '--max_seq_len', '2048', '--per_device_train_batch_size', '1',
               '--per_device_eval_batch_size', '1', '--max_num_image_per_sample', '1', '--gradient_checkpointing',
               '--num_workers', '1', '--lm_model_name_or_path', f'{folder}/language_model',
               '--vision_model_name_or_path', f'{folder}/vision_model', *more]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def main():
    programs = sys.argv[1]
    gbit, peak = (sys.argv[2:] + ['100', '1'])[:2] if len(sys.argv) < 4 else sys.argv[2:4]
    print('| model | ranks | stage 0 | stage 1 | stage 2 | stage 3 |\n|---|---|---|---|---|---|')
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            models(programs, folder, size)
            for ranks in (1, 2, 4, 8, 16, 32, 64):
                out = plan(programs, folder, ranks)
                total = re.findall(r'[0-9.]+ [A-Z]?i?B', re.search(r'^total .*$', out, re.M)[0])
                print(f'| {size} | {ranks} | ' + ' | '.join(total) + ' |')
    print(f'\n{gbit} Gbit/s, {peak} TFLOP/s\n')
    print('| model | ranks | stage 0 | stage 1 | stage 2 | stage 3 | overlapped: 0 | 1 | 2 | 3 |\n|' + '---|' * 10)
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            models(programs, folder, size)
            out = plan(programs, folder, 64, '--network_gbit', gbit, '--peak_tflops', peak)
            steps = {}
            for ranks, stage, step, best in re.findall(r'^(\d+) +(\d) .* ([0-9.e+]+) s +([0-9.e+]+) s$', out, re.M):
                steps.setdefault(int(ranks), []).append((float(step), float(best)))
            for ranks, times in steps.items():
                cells = [f'{t[0]:.1f} s' for t in times] + [f'{t[1]:.1f} s' for t in times]
                print(f'| {size} | {ranks} | ' + ' | '.join(cells) + ' |')


if __name__ == '__main__':
    main()
