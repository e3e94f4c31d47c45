"""Writes trainer.json: lines, and the merges that the tokenizers library learns from them. Usage: make_trainer.py OUT"""
import json, random, sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

r = random.Random(5)
colours, shapes = "red green blue yellow black white".split(), "circle square triangle star".split()
lines = []
for _ in range(60):
    a, b = r.choice(colours), r.choice(shapes)
    lines.append(r.choice([f"What colour is the {b}?\n", f"The {b} is {a}.\n", f"There are {r.randrange(2, 130)} {a} {b}s!\n",
                           f"Is the {a} {b} left of the {r.choice(colours)} one? Don't know, café 漢字.\n"]))
t = Tokenizer(models.BPE())
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                           pre_tokenizers.ByteLevel(add_prefix_space=False)])
t.decoder = decoders.ByteLevel()
t.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=400, min_frequency=2, show_progress=False,
                                                 special_tokens=["<|endoftext|>", "<|im_end|>"],
                                                 initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
json.dump(dict(vocabulary=400, lines=lines, merges=json.loads(t.to_str())["model"]["merges"]), open(sys.argv[1], "w"),
          separators=(",", ":"))
