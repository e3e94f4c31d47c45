"""Checkpoints that cannot be gone on from (K): damaged, foreign, or of another run. What needs two processes, or a
manifest that was sealed again, is tested elsewhere: resuming.py, ranks.py, tests/unit/train."""
import os
import shutil
import subprocess

NAME = 'step-00000002'
MANIFEST, RANK, STATE = 'manifest.json', 'rank-000.bin', 'run_state.json'


def trained(root, command):
    """The folder of a run that has saved two checkpoints. command(folder, words): a training's."""
    folder = root / 'saved'
    subprocess.run(command(folder, ['--save_step', '1', '--max_steps', '2']), check=True, capture_output=True)
    return folder


def flip(name, at):
    def change(folder):
        content = bytearray((folder / name).read_bytes())
        content[at % len(content)] ^= 16
        (folder / name).write_bytes(content)
    return change


def cut(name):
    return lambda folder: os.truncate(folder / name, os.path.getsize(folder / name) // 2)


def replace(name, old, new):
    def change(folder):
        content = (folder / name).read_bytes()
        assert old in content
        (folder / name).write_bytes(content.replace(old, new, 1))
    return change


def write(root, cases, command):
    run = trained(root, command)

    def copy(name):
        folder = root / f'checkpoint-{name}' / NAME
        shutil.copytree(run / 'checkpoints' / NAME, folder)
        return folder

    def named(name, kind, says, change, options='', **changes):
        """One that is named: refused if it is not whole."""
        folder = copy(name)
        cases.add(name, kind, says, f'--from_checkpoint {change(folder) or folder} {options}', task='train', **changes)

    def found(name, says, change, kind='ok'):
        """One that `auto` finds, or passes over for another."""
        folder = root / f'out-{name}'
        shutil.copytree(run, folder)
        change(folder / 'checkpoints')
        cases.add(name, kind, says, '--from_checkpoint auto', task='train', output_dir=folder)

    named('K01', '5 CKPT-PATH-001', MANIFEST, lambda folder: (folder / MANIFEST).unlink())
    named('K02', '5 CKPT-JSON-001', 'end of the file', cut(MANIFEST))
    for i, name in enumerate((MANIFEST, RANK, STATE)):
        named(f'K03-{i}', '5 CKPT-HASH-001', f'{name} & xxh3-128:', flip(name, 200))
    named('K03-json', '5 CKPT-JSON-001', f'{MANIFEST}:1:', flip(MANIFEST, 100))
    named('K03-cut', '5 CKPT-HASH-001', f'{RANK} & bytes', cut(RANK))
    named('K03-swapped', '5 CKPT-HASH-001', STATE,
          lambda folder: shutil.copy(run / 'checkpoints/step-00000001' / STATE, folder / STATE) and None)
    named('K04', '5 CKPT-PATH-001', RANK, lambda folder: (folder / RANK).unlink())
    named('K05', 'ok', 'does not belong & notes', lambda folder: (folder / 'notes').touch())
    named('K07', '5 CKPT-MANIFEST-002', 'step 2 in a folder of another step',
          lambda folder: folder.rename(folder.parent / 'step-00000003'))
    found('K08', 'going on after step 2', lambda folder: (folder / 'latest').symlink_to('nowhere'))
    for i, name in enumerate((b'../rank-000.bin', b'/etc/passwd')):
        named(f'K09-{i}', '5 CKPT-HASH-001', MANIFEST, replace(MANIFEST, b'rank-000.bin', name))
    named('K10', '5 CKPT-FORMAT-003', 'format 2 & version', replace(MANIFEST, b'"format": 1', b'"format": 2'))
    named('K11', '5 CKPT-RUN-005', '--vis_proj', lambda folder: None, '--vis_proj mlp')
    named('K17', '5 CKPT-RUN-005', '--lang_lora_dim', lambda folder: None, '--lang_lora_dim 2')
    (root / 'changed.json').write_text((root / 'good.json').read_text() + ' ')
    named('D43', '5 CKPT-RUN-005', 'data: file 1 & xxh3-128: & bytes', lambda folder: None, data_path=root / 'changed.json')
    named('K18-nowhere', '5 CKPT-PATH-001', 'step-00000009', lambda folder: folder.parent / 'step-00000009')
    found('K01-auto', 'going on after step 2 & step-00000009 & passed over',
          lambda folder: (folder / 'step-00000009').mkdir())
    found('K03-auto', 'going on after step 1 & passed over & step-00000002/rank-000.bin',
          lambda folder: flip(RANK, 100)(folder / NAME))
    found('K03-all', 'damaged', lambda folder: [flip(RANK, 9)(c) for c in folder.iterdir()], '5 CKPT-NONE-006')
    found('K16', 'removed .step-00000004.draft', lambda folder: (folder / '.step-00000004.draft').mkdir())
    found('K18-auto', 'there is no checkpoint', lambda folder: shutil.rmtree(folder))
