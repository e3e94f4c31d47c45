"""Writes templates.json: the rendered text and the learnt strings of every template, from a table of its own.
Usage: make_templates.py OUT"""
import json, sys

P = "You are a helpful language and vision assistant. You are able to understand the visual content that the user provides, and assist the user with a variety of tasks using natural language.\n\n"
S1 = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."
S2 = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the human's questions."
U3, A3 = "<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
BLOCK = "### Image:\n<image>\n\n"


def table(name, system, turns, end, bos):
    """Every template written out by hand. turns: (images in the slot, question, answer); returns [(text, supervised)]."""
    out = []
    for k, (n, q, a) in enumerate(turns):
        first = k == 0
        if name == "default":
            head = (system + "\n\n" if system is not None else P) if first else ""
            u = head + BLOCK * n + f"### Question:\n{q}\n\n### Answer:\n"
        elif name == "llama_2":
            head = f"[INST] <<SYS>>\n{system + chr(10) * 2 if system is not None else P}\n<</SYS>>\n\n" if first else f"{bos}[INST] "
            u = head + BLOCK * n + f"{q} [/INST] "
        elif name == "llama_3":
            head = "<|start_header_id|>system<|end_header_id|>\n\n" + (system + "\n\n" if system is not None else P) + "<|eot_id|>" if first else ""
            u = head + BLOCK * n + U3 + q + A3
        elif name == "vicuna":
            u = ((S1 if system is None else system) + " " if first else "") + BLOCK * n + f"USER: {q} ASSISTANT: "
        elif name in ("llava", "llava_next"):
            u = ((S2 if system is None else system) + " " if first else "") + "USER: " + "<image>\n" * n + f"{q} ASSISTANT: "
        elif name == "llama-3.2-vision":
            head = f"<|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|>" if first and system is not None else ""
            u = head + U3 + "<|image|>" * n + q + A3
        elif name == "chatml":
            head = f"<|im_start|>system\n{system}<|im_end|>\n" if first and system is not None else ""
            u = head + "<|im_start|>user\n" + "<image>\n" * n + q + "<|im_end|>\n<|im_start|>assistant\n"
        else:
            u = ("" if first else "\n") + (system + "\n" if first and system is not None else "") + "<image>\n" * n + q + "\n"
        out += [(u, False), (a + end, True)]
        if name == "chatml":
            out.append(("\n", False))
    return out


def ends(name, end):
    return {"llama_3": "<|eot_id|>", "chatml": "<|im_end|>"}.get(name, end)


CASES = {"one image": (None, [(1, "What is this?", "A cat.")]),
         "no image": (None, [(0, "Hello", "Hi")]),
         "two images": (None, [(2, "Compare", "Same")]),
         "image in turn 2": (None, [(0, "Hello", "Hi"), (1, "And this?", "A dog")]),
         "three turns": (None, [(1, "a", "b"), (0, "c", "d\n"), (0, " e", " f")]),
         "system turn": ("Be brief. 簡潔に。", [(1, "Was ist das?", "Käse 🧀")])}
out = []
for name in ("default", "llama_2", "llama_3", "vicuna", "llava", "llava_next", "llama-3.2-vision", "chatml", "plain"):
    for case, (system, turns) in CASES.items():
        parts = table(name, system, turns, ends(name, "</s>"), "<s>")
        out.append(dict(template=name, case=case, system=system, images=sum(n for n, _, _ in turns),
                        turns=[["<image>\n" * n + q, a] for n, q, a in turns],
                        text="".join(s for s, _ in parts), learnt=[s for s, learnt in parts if learnt]))
json.dump(out, open(sys.argv[1], "w"), indent=1)
