"""Teaches a decoder that has never seen a picture, SmolLM2-135M-Instruct, to read handwritten digits, by the commands of
docs/from_hugging_face.md; then asks about digits held out, about the same with the pictures permuted, and about France.
Called by run.sh as digits.py FOLDER_OF_PROGRAMS SEED; another seed splits, starts and shuffles differently.
"""
import re
import time

import interop
import page_commands


def main():
    programs, seed, checks, folder = interop.start()
    page_commands.look_like_the_repository(folder, programs)
    said = ""
    for block in page_commands.blocks("from_hugging_face.md", "digits"):
        print(f"$ {block.text.strip()}", flush=True)
        started = time.time()
        done = page_commands.run(block.language, block.text, folder, SEED=str(seed))
        print(done.stdout + (done.stderr if done.returncode else ""), f"[{time.time() - started:.0f} s]", flush=True)
        if not checks.equal(f"{block.where} ends well", done.returncode, 0):
            break
        said += done.stdout
    right = [float(x) / 100 for x in re.findall(r"^exact match ([0-9.]+) %", said, re.M)]
    if checks.equal("two lists of questions were answered", len(right), 2):
        checks.error("held-out digits, share that is not exactly right", 1 - right[0], "digits.wrong")
        checks.error("pictures permuted, share that is exactly right", right[1], "digits.permuted")
        checks.true("the capital of France is Paris", "Paris" in said.rsplit("exact match", 1)[1])
    checks.done()


if __name__ == "__main__":
    main()
