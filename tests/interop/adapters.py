"""LoRA adapters both ways between sft_main and PEFT, and merge_lora against PEFT's merge_and_unload.

Logits are those of probe_model on a folder with adapters, and of torch with PEFT's models in the place of the plain
ones (torch_models.py), on the same conversations.
"""
import json
import random
import shutil

import peft
import safetensors.torch
import torch
import transformers
from PIL import Image

import interop
import model_folders
import models
import torch_models

COMPONENTS = {"language": "language_model", "vision": "vision_model"}


def tensors(folder):
    return safetensors.torch.load_file(folder / "model.safetensors")


def begin_anywhere(model, generator):
    """Adapters as after a training: none of their matrices is zero, their products are smaller than the weights."""
    config = model.peft_config["default"]
    size = 0.5 * min(1, config.r / config.lora_alpha)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                noise = torch.randn(p.shape, generator=generator)
                p.copy_(noise / p.shape[-1] ** 0.5 * (size if "lora_B" in name else 1))
    return model


class Comparison:
    """Model folders with adapters, one after another through our programs and through PEFT."""

    def __init__(self, programs, seed, checks, scratch):
        self.programs, self.checks, self.scratch = programs, checks, scratch
        self.rng, self.generator = random.Random(seed), torch.Generator().manual_seed(seed)

    def base(self, name, number):
        folder = self.scratch / name
        language, _ = models.language_of(self.rng, number)
        vision = model_folders.vision_sizes(self.rng)
        model_folders.write_model(folder, language, vision, self.rng.choice(["baseline", "mlp"]), self.generator)
        return folder

    def llava(self, name, number):
        """Odd numbers are LLaVA-NeXT. The folder and its grid of canvases."""
        folder, grid = self.scratch / name, None
        language, _ = models.language_of(self.rng, number)
        vision = model_folders.vision_sizes(self.rng)
        if number % 2:
            grid = [[h * vision["image_size"], w * vision["image_size"]] for h, w in [(1, 2), (2, 1), (2, 2)]]
        model_folders.write_llava(folder, language, vision, self.generator, grid)
        return folder, grid

    def same_logits(self, name, folder, reference, grid=None):
        given = torch_models.Conversations(self.rng, reference.vocabulary, [self.rng.randint(3, 40) for _ in range(3)])
        if grid:
            given.draw_tiles(reference.side, self.generator, self.rng, grid)
        else:
            given.draw(reference.side, self.generator)
        safetensors.torch.save_file(given.tensors(), self.scratch / "in.safetensors")
        with torch.no_grad():
            at, rows = 0, []
            for ids, _ in given.samples:
                torch_models.forget_longest(reference.rotary)
                mine = slice(at, at + ids.count(torch_models.IMAGE))
                at = mine.stop
                rows.append(reference.conversation(ids, given.tiles[mine], given.sizes and given.sizes[mine])[0])
        self.programs.run("probe_model", folder, self.scratch / "in.safetensors", self.scratch / "out.safetensors")
        ours = safetensors.torch.load_file(self.scratch / "out.safetensors")["logits"]
        return self.checks.error(name, interop.relative(ours, torch.cat(rows)), "adapters.logits")

    def train(self, base, *options):
        """Two steps of sft_main that move the adapters far; the folder that it writes."""
        pictures, records = self.scratch / "pictures", []
        pictures.mkdir(exist_ok=True)
        for i in range(4):
            side = self.rng.randint(20, 60)
            colours = torch.randint(0, 256, (side, side, 3), generator=self.generator, dtype=torch.uint8)
            Image.fromarray(colours.numpy()).save(pictures / f"{i}.png")
            records.append({"id": i, "image": f"{i}.png", "conversations": [
                {"from": "human", "value": "<image>\nWhat is this?"}, {"from": "gpt", "value": f"Picture {i}."}]})
        model_folders.write_json(self.scratch / "train.json", records)
        out = self.scratch / f"{base.name}-trained"
        self.programs.run("sft_main", "--from_checkpoint", base, "--data_path", self.scratch / "train.json",
                          "--image_folder", pictures, "--output_dir", out, "--precision", "fp32", "--is_sft_stage",
                          "--max_steps", 2, "--eval_step", 0, "--learning_rate", 0.1, "--lr_scheduler_type",
                          "constant", "--data_train_split_ratio", 1, *options)
        return out / "epoch-0"


def from_peft(reference, adapter):
    """The adapters of a folder on the models of a reference, where there are any."""
    found = 0
    for component in COMPONENTS:
        if (adapter / f"{component}_adapter").exists():
            model = peft.PeftModel.from_pretrained(getattr(reference, component), adapter / f"{component}_adapter")
            setattr(reference, component, model.eval())
            found += 1
    return found


def ours_in_peft(c):
    """What sft_main writes is what PeftModel.from_pretrained reads."""
    cases = [("all layers, embedding trained", "--lang_lora_dim", 4, "--vis_lora_dim", 2),
             ("q and v alone", "--lang_lora_dim", 3, "--lang_lora_module_name", "q_proj,v_proj", "--lora_alpha", 5,
              "--only_optimize_lora"),
             ("vision alone", "--vis_lora_dim", 4, "--vis_lora_module_name", "fc1,out_proj")]
    for number, (name, *options) in enumerate(cases):
        base = c.base(f"ours-{number}", number)
        trained = c.train(base, *options)
        whole = c.scratch / f"whole-{number}"  # trained parts, and the base's where they were not written
        shutil.copytree(base, whole)
        shutil.copytree(trained, whole, dirs_exist_ok=True)
        reference = torch_models.Default(whole)
        plain = {k: v for k, v in reference.parameters().items()}
        found = from_peft(reference, trained)
        moved = any(float(p.abs().max()) > 0 for k in COMPONENTS for n, p in getattr(reference, k).named_parameters()
                    if "lora_B" in n)
        c.checks.true(f"ours in PEFT, {name}: {found} adapters that changed, {len(plain)} tensors below", moved)
        c.same_logits(f"ours in PEFT, {name}: logits", trained, reference)


def lora(c, component, target, **more):
    rank = c.rng.choice([1, 2, 4])
    task = {"task_type": "CAUSAL_LM"} if component == "language" else {}
    return peft.LoraConfig(r=rank, lora_alpha=c.rng.choice([1, 3, 8]), target_modules=target, **task, **more)


def with_peft(c, reference, component, config, folder):
    """Gives a reference's model random adapters and saves them where ours looks for them."""
    model = peft.get_peft_model(getattr(reference, component), config)
    setattr(reference, component, begin_anywhere(model, c.generator).eval())
    model.save_pretrained(folder / f"{component}_adapter")


def peft_in_ours(c):
    """What PEFT saves beside its base is what our programs use, however its modules were named; and merges alike."""
    cases = [("a list", ["q_proj", "v_proj"], ["q_proj", "fc2"], {}),
             ("a regular expression", r".*layers\.[01]\.(self_attn\.(k|o)_proj|mlp\.up_proj)",
              r".*layers\.1\.mlp\.fc1", {}),
             ("all-linear", "all-linear", ["k_proj", "out_proj"], {"init_lora_weights": "gaussian"}),
             ("one layer", ["down_proj", "gate_proj"], None, {"layers_to_transform": [1]})]
    for number, (name, language, vision, more) in enumerate(cases):
        folder = c.base(f"peft-{number}", number + 1)
        reference = torch_models.Default(folder)
        with_peft(c, reference, "language", lora(c, "language", language, **more), folder)
        if vision:
            with_peft(c, reference, "vision", lora(c, "vision", vision), folder)
        c.same_logits(f"PEFT in ours, {name}: logits", folder, reference)
        merge(c, f"merged, {name}", folder, reference)


def merge(c, name, folder, reference):
    """merge_lora on a folder and merge_and_unload on a reference give the same tensors and the same logits."""
    out = c.scratch / f"{folder.name}-merged"
    c.programs.run("merge_lora", "--model", folder, "--output_dir", out)
    worst = 0.0
    for component, sub in COMPONENTS.items():
        before, ours = tensors(folder / sub), tensors(out / sub)
        model = getattr(reference, component)
        if isinstance(model, peft.PeftModel):
            setattr(reference, component, model.merge_and_unload())
        theirs = {n: t for n, t in getattr(reference, component).state_dict().items()}
        theirs = {n: theirs.get(n, theirs.get(n.removeprefix("vision_model."))) for n in ours}
        c.checks.equal(f"{name}: the tensors of {sub}", sorted(ours), sorted(before))
        worst = max(worst, max(interop.relative(ours[n], theirs[n]) for n in ours))
    c.checks.error(f"{name}: weights", worst, "adapters.merged_fp32")
    c.same_logits(f"{name}: logits", out, reference)
    loaded = torch_models.Default(out)
    c.same_logits(f"{name}: logits of the folder in transformers", folder, loaded)


def llava_both_ways(c):
    """Adapters of a LLaVA folder, named as in LlavaForConditionalGeneration."""
    targets = {"language": r".*language_model.*\.(q_proj|v_proj|down_proj)", "vision": r".*vision_tower.*\.(fc1|k_proj)"}
    for number, component in enumerate(targets):
        folder, grid = c.llava(f"llava-{number}", number)
        name = f"LLaVA{'-NeXT' if grid else ''}"
        reference = torch_models.Llava(folder)
        model = peft.get_peft_model(reference.model, lora(c, component, targets[component]))
        begin_anywhere(model, c.generator).eval().save_pretrained(folder / f"{component}_adapter")
        c.same_logits(f"{name}, PEFT in ours, {component}: logits", folder, reference, grid)
        out = c.scratch / f"{folder.name}-merged"
        c.programs.run("merge_lora", "--model", folder, "--output_dir", out)
        c.same_logits(f"{name}, merged, {component}: logits", out, reference, grid)
        c.same_logits(f"{name}, merged, {component}: in transformers", folder, torch_models.Llava(out), grid)
        theirs, ours = model.merge_and_unload().state_dict(), torch_models.Llava(out).model.state_dict()
        c.checks.equal(f"{name}, merged: names", sorted(ours), sorted(theirs))
        last = f"encoder.layers.{reference.config.vision_config.num_hidden_layers - 1}."  # read by nobody, left alone
        c.checks.error(f"{name}, merged, {component}: weights",
                       max(interop.relative(ours[n], theirs[n]) for n in ours if last not in n), "adapters.merged_fp32")
        plain, grid = c.llava(f"llava-ours-{number}", number)
        trained = c.train(plain, "--model_architecture", "llava_next" if grid else "llava",
                          *(["--lang_lora_dim", 3] if component == "language" else ["--vis_lora_dim", 2]))
        reference = torch_models.Llava(trained)
        peft.PeftModel.from_pretrained(reference.model, trained / f"{component}_adapter").eval()
        c.same_logits(f"{name}, ours in PEFT, {component}: logits", trained, reference, grid)


def merge_in_16_bits(c):
    """A base of 16 bits keeps its type; the sum is rounded once, as PEFT's is."""
    for number, dtype in enumerate([torch.bfloat16, torch.float16]):
        folder = c.base(f"half-{number}", number)
        for sub in COMPONENTS.values():
            half = {n: t.to(dtype) for n, t in tensors(folder / sub).items()}
            safetensors.torch.save_file(half, folder / sub / "model.safetensors", metadata={"format": "pt"})
        reference = torch_models.Default(folder)  # in fp32, from the rounded weights
        with_peft(c, reference, "language", lora(c, "language", "all-linear"), folder)
        out, name = c.scratch / f"half-{number}-merged", str(dtype).split(".")[1]
        said = c.programs.run("merge_lora", "--model", folder, "--output_dir", out).stdout
        print("      " + said.splitlines()[0])
        ours = tensors(out / "language_model")
        c.checks.equal(f"{name}: type of every tensor", {t.dtype for t in ours.values()}, {dtype})
        c.checks.equal(f"{name}: dtype in config.json", json.loads((out / "language_model/config.json").read_text())
                       .get("dtype"), name)
        theirs = reference.language.merge_and_unload().state_dict()
        worst = max(float(((ours[n].float() - theirs[n].to(dtype).float()).abs() / step(theirs[n], dtype)).max())
                    for n in ours)
        c.checks.error(f"{name}: weights, in units of the last place", worst, "adapters.merged_16_bits")
        untouched = [n for n in ours if "_proj.weight" not in n]
        before = tensors(folder / "language_model")
        c.checks.true(f"{name}: {len(untouched)} tensors without adapter keep every bit",
                      untouched and all(torch.equal(ours[n], before[n]) for n in untouched))


def step(x, dtype):
    """Distance of neighbours of a type at a number."""
    info = torch.finfo(dtype)
    return (x.abs().clamp(min=info.smallest_normal).log2().floor().exp2() * info.eps)


def refused_by_name(c):
    """What is more than plain LoRA of one rank ends with exit code 4 and the name of the setting."""
    proj = ["q_proj", "v_proj"]
    cases = {"use_rslora": dict(use_rslora=True), "use_dora": dict(use_dora=True), "bias": dict(bias="lora_only"),
             "modules_to_save": dict(modules_to_save=["lm_head"]), "rank_pattern": dict(rank_pattern={"q_proj": 5}),
             "alpha_pattern": dict(alpha_pattern={"q_proj": 5}), "lora_bias": dict(lora_bias=True),
             "trainable_token_indices": dict(trainable_token_indices=[3, 4]),
             "init_lora_weights": dict(init_lora_weights="pissa"),
             "lora_embedding_A": dict(target_modules=proj + ["embed_tokens"]),
             "lm_head": dict(target_modules=proj + ["lm_head"])}
    base = c.base("refused", 0)
    for name, more in cases.items():
        folder = c.scratch / f"refused-{name}"
        shutil.copytree(base, folder)
        config = lora(c, "language", more.pop("target_modules", proj), **more)
        with_peft(c, torch_models.Default(folder), "language", config, folder)
        if name in ("modules_to_save", "lora_embedding_A", "lm_head") and json.loads(
                (folder / "language_model/config.json").read_text())["tie_word_embeddings"]:
            print(f"      {name}: on a tied head")
        done = c.programs.run("generate_main", "--model", folder, "--prompt", "x", expect=None)
        c.checks.true(f"refused: {name}", done.returncode == 4 and name in done.stderr)
    ia3 = c.scratch / "refused-ia3"
    shutil.copytree(base, ia3)
    reference = torch_models.Default(ia3)
    peft.get_peft_model(reference.language, peft.IA3Config(task_type="CAUSAL_LM", target_modules=["k_proj", "v_proj"],
                                                          feedforward_modules=[])).save_pretrained(
        ia3 / "language_adapter")
    done = c.programs.run("generate_main", "--model", ia3, "--prompt", "x", expect=None)
    c.checks.true("refused: IA3", done.returncode == 4 and "IA3" in done.stderr)
    plain = c.programs.run("merge_lora", "--model", base, "--output_dir", c.scratch / "no", expect=None)
    c.checks.true("refused: a merge of no adapters", plain.returncode == 4 and "no adapters" in plain.stderr)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    comparison = Comparison(*interop.start())
    for compare in (ours_in_peft, peft_in_ours, llava_both_ways, merge_in_16_bits, refused_by_name):
        compare(comparison)
    comparison.checks.done()
