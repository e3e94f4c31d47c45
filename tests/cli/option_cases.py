"""Malformed command lines (U), and output folders that are no place for a run (K; the other K are in
checkpoint_cases.py). U09, nothing trains, has no command line: a projector always does."""


def options(add):
    add('U01', '2 OPT-NAME-001', 'did you mean', '--max_stepz 3')
    add('U01-short', '2 OPT-WORD-011', 'belongs to no option', '-x', task='bare')
    add('U02', '2 OPT-REQUIRED-007', '--output_dir', task='usual')
    add('U02-model', '2 OPT-REQUIRED-007', '--lm_model_name_or_path', lm_model_name_or_path=None)
    for i, value in enumerate(('nan', '-1', '1e-3x', 'inf', '')):
        add(f'U03-{i}', '2 OPT-VALUE-004', 'learning_rate', f"--learning_rate '{value}'")
    add('U04', '2 OPT-VALUE-004', 'at least 1', '--per_device_train_batch_size 0')
    add('U05', '2 OPT-VALUE-004', 'at most 3', '--zero_stage 4')
    add('U06', '2 OPT-CHOICE-005', 'fp16, bf16, fp32', precision='fp64')
    add('U07', '2 OPT-CONFLICT-009', 'no LoRA', '--only_optimize_lora')
    add('U08', '2 OPT-LORA-014', 'q_proj', '--lang_lora_dim 2 --lang_lora_module_name qq_proj', task='plan')
    add('U10', '2 OPT-WARMUP-017', 'warm-up', '--num_warmup_steps 1000000', task='train')
    add('U11', '2 OPT-VALUE-004', 'at least 1', '--num_train_epochs 0')
    add('U12', '2 OPT-CHOICE-005', 'perceiver', '--vis_proj x')
    add('U13', '2 OPT-TEMPLATE-001', 'vicuna', template='vicunna')
    add('U14', '2 OPT-LENGTH-018', 'tokens of a picture', '--max_seq_len 4')
    add('U15', '2 OPT-VALUE-004', 'at least 1', '--gradient_accumulation_steps 0')
    add('U16', '2 OPT-VALUE-004', 'at least 0', '--eval_step -1')
    add('U17', '2 OPT-TWICE-002', 'twice', '--seed 1 --seed 2')
    add('U18', '2 OPT-FLAG-006', 'flag', '--plan yes')
    add('U18-value', '2 OPT-VALUE-003', 'one value', '--seed 1 2')
    add('U18-none', '2 OPT-VALUE-003', 'needs a value', '--seed')
    add('U19', '2 OPT-PATH-001', '/nowhere.json & No such file', '--config /nowhere.json')
    add('U20', '2 OPT-CODE-021', 'did you mean', '--explain MODEL-TOK-012', task='bare')


def folders(root, add):
    (root / 'file').write_text('')
    add('K14', '2 OPT-OUT-012', 'not a folder', task='train', output_dir=root / 'file')
    (root / 'full').mkdir()
    (root / 'full/x').write_text('')
    add('K18', '2 OPT-OUT-012', 'not empty & x', task='train', output_dir=root / 'full')
    add('K13', '6 WRITE-DIR-002', 'cannot be created', task='train', output_dir='/proc/nowhere')
    add('K18-checkpoint', '4 MODEL-PATH-001', 'nowhere', '--from_checkpoint /nowhere', lm_model_name_or_path=None,
        vision_model_name_or_path=None, template=None)


def write(root, cases):
    options(cases.add)
    folders(root, cases.add)
