"""Decoded bytes, pixels and tiles against Pillow and the Pillow processors of transformers."""
import base64
import io
import json
import random
import re

import numpy as np
from PIL import Image
from transformers.image_processing_utils import get_patch_output_size, select_best_resolution
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_next.processing_llava_next import LlavaNextProcessor

import interop
import pictures
import small_folders

PICTURES = 300
PATCH = 14
FORMATS = {"GIF": "gif", "WEBP": "webp", "BMP": "bmp", "TIFF": "tiff", "PPM": "ppm", "TGA": "tga", "AVIF": "avif"}
SIDES = [(1, 1), (1, 500), (500, 1), (1000, 31), (2, 3), (17, 1500), (1920, 1080), (223, 224), (225, 224), (336, 336)]


def written(rng, folder):
    """(path, format, kind) of the picture files."""
    kinds = [("png", kind) for kind in pictures.PNG_KINDS] + [("jpeg", kind) for kind in pictures.JPEG_KINDS]
    files = []
    for i in range(PICTURES):
        width, height = SIDES[i] if i < len(SIDES) else (int(rng.integers(1, 500)), int(rng.integers(1, 500)))
        form, kind = kinds[i % len(kinds)]
        data = pictures.png(rng, width, height, *kind) if form == "png" else pictures.jpeg(rng, width, height, kind)
        path = folder / f"{i}.{form}"
        path.write_bytes(data)
        files.append((path, form, kind))
    return files


def opened(path):
    """What transformers gets to see: RGB as Pillow opens it. Alpha is dropped, as in transformers 4: transformers 5
    would lay the picture on white. Of 16 grey bits the high byte counts: Pillow would clip them."""
    image = Image.open(path)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    image.info.pop("transparency", None)
    return image.convert("RGB")


def processor_folder(rng, folder, next_grid):
    """A folder with a processor of drawn sizes and numbers, in one of the spellings in use."""
    crop = int(rng.integers(2, 7)) * PATCH if rng.integers(4) else 336
    edge = crop if next_grid or rng.integers(2) else crop + int(rng.integers(1, 60))
    numbers = {} if rng.integers(3) == 0 else {
        "image_mean": [round(float(x), 6) for x in rng.uniform(-1, 1, 3)],
        "image_std": [round(float(x), 6) for x in rng.uniform(0.1, 2, 3)],
        "rescale_factor": float(rng.choice([1 / 255, 1 / 127.5, 0.5]))}
    name = "LlavaNextImageProcessor" if next_grid else "CLIPImageProcessor"
    config = dict(numbers, do_resize=True, do_center_crop=True, resample=3, image_processor_type=name)
    config["size"] = edge if rng.integers(2) and not next_grid else {"shortest_edge": edge}
    config["crop_size"] = crop if rng.integers(2) else {"height": crop, "width": crop}
    if next_grid:
        canvases = rng.integers(1, 4, (int(rng.integers(2, 6)), 2)) * crop
        config["image_grid_pinpoints"] = canvases.tolist()
    folder.mkdir()
    if rng.integers(4) == 0:
        (folder / "processor_config.json").write_text(json.dumps({"image_processor": config}))
    else:
        (folder / "preprocessor_config.json").write_text(json.dumps(config))
    kind = LlavaNextImageProcessorPil if next_grid else CLIPImageProcessorPil
    return kind.from_pretrained(folder)


def ask(programs, probe, folder, requests):
    """(names of the decoders, a list of words for each request)"""
    done = programs.run(probe, folder, PATCH, text="\n".join(requests) + "\n", expect=None)
    if done.returncode == 77:
        return "", []
    if done.returncode:
        raise SystemExit(f"{probe} {folder}: {done.stderr}")
    return done.stderr.strip(), [line.split() for line in done.stdout.splitlines()]


class Errors:
    """The largest error of each kind of comparison, and where it was."""

    def __init__(self):
        self.worst = {}

    def add(self, what, ours, theirs, where):
        same = ours.size == theirs.size
        error = float(np.abs(ours.astype(np.float64) - theirs.ravel()).max(initial=0)) if same else float("inf")
        error = float("inf") if np.isnan(error) else error
        count, worst, place = self.worst.get(what, (0, -1, None))
        self.worst[what] = (count + 1, *max((worst, place), (error, where), key=lambda pair: pair[0]))

    def say(self, checks, probe):
        for (what, allowed), (count, error, where) in sorted(self.worst.items()):
            checks.error(f"{probe}: {what} ({count} pictures, worst: {where})", error, allowed)


def compare_near(errors, image, ours, where):
    """Decoded bytes of a JPEG that stb_image read, where it interpolates no colours from the wrong neighbour."""
    theirs = np.asarray(image)
    if ours.size == theirs.size:
        columns = slice(image.width - 2 if image.width > 4 else 0)
        ours, theirs = ours.reshape(theirs.shape)[:, columns].ravel(), theirs[:, columns]
    errors.add(("JPEG, decoded by stb_image", "images.jpeg_by_stb"), ours, theirs, where)


def compare_picture(errors, processor, file, answer, folder, decoders):
    """One prepared picture: decoded bytes, bytes of the tiles, pixels."""
    path, form, kind = file
    image, next_grid = opened(path), type(processor) is LlavaNextImageProcessorPil
    name = f"{form.upper()}, LLaVA-NeXT" if next_grid else f"{form.upper()}, CLIP"
    where = f"{path.name} {kind} {image.size} by {folder.name}"
    if form == "jpeg" and "jpeg: stb_image" in decoders:
        return compare_near(errors, image, np.fromfile(f"{path}.rgb", np.uint8), where)
    plain = processor(image, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"][0]
    tiles = np.moveaxis(plain.reshape(-1, *plain.shape[-3:]), 1, -1)
    errors.add((f"{form.upper()}, decoded", "images.bytes"), np.fromfile(f"{path}.rgb", np.uint8),
               np.asarray(image), where)
    errors.add((f"{name}, bytes of tiles", "images.bytes"), np.fromfile(f"{path}.tiles", np.uint8), tiles, where)
    pixels = processor(image, return_tensors="np")["pixel_values"][0]
    errors.add((f"{name}, pixels", "images.pixels"), np.fromfile(f"{path}.pixels", np.float32), pixels, where)
    if int(answer[2]) != len(tiles):
        errors.add((f"{name}, tiles", "images.bytes"), np.array([int(answer[2])]), np.array([len(tiles)]), where)


def compare_pictures(programs, checks, probe, work):
    """Prepares each folder's pictures with a probe; work: (folder, processor, [(path, format, kind)])."""
    errors, refused = Errors(), []
    for folder, processor, files in work:
        decoders, answers = ask(programs, probe, folder, [f"prepare {path} {path}" for path, _, _ in files])
        if not decoders:
            return print(f"{probe}: this build has no such decoder, left out")
        for file, answer in zip(files, answers, strict=True):
            if len(answer) == 3:
                compare_picture(errors, processor, file, answer, folder, decoders)
            else:
                refused.append((file[0].name, file[2], *answer))
    print(f"{probe}: {decoders}")
    errors.say(checks, probe)
    checks.equal(f"{probe}: pictures that are refused", refused, [])
    return decoders


def compare_layouts(rng, programs, checks, scratch):
    """Canvas, fitted sides, padding, tiles and image tokens of many sides, in the grid of the published models."""
    grid = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
    folder = scratch / "layouts"
    folder.mkdir()
    config = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}, "do_pad": True,
              "image_grid_pinpoints": grid}
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    processor = LlavaNextImageProcessorPil.from_pretrained(folder)
    counter = LlavaNextProcessor.__new__(LlavaNextProcessor)
    counter.image_processor, counter.patch_size = processor, PATCH
    counter.num_additional_image_tokens, counter.vision_feature_select_strategy = 0, "default"
    edges = (1, 2, 335, 336, 337, 504, 671, 672, 673, 1007, 1008, 1009, 2016)
    sizes = [(h, w) for h in edges for w in edges] + [(5 * k, 7 * k) for k in range(1, 200)]
    sizes += rng.integers(1, 4000, (2000, 2)).tolist() + rng.integers(1, (60, 16000), (300, 2)).tolist()
    _, answers = ask(programs, "probe_images", folder, [f"layout {h} {w}" for h, w in sizes])
    wrong = []
    for (height, width), answer in zip(sizes, answers, strict=True):
        canvas = select_best_resolution((height, width), grid)
        fitted = get_patch_output_size(np.empty((3, height, width), np.uint8), canvas, "channels_first")
        (top, _), (left, _) = processor._get_padding_size(fitted, canvas)
        theirs = [*canvas, *fitted, top, left, 1 + canvas[0] // 336 * (canvas[1] // 336),
                  counter._get_number_of_features(height, width, 336, 336)]
        if list(map(int, answer)) != theirs:
            wrong.append((height, width, answer, theirs))
    checks.equal(f"layouts of {len(sizes)} sides that differ from LLaVA-NeXT's", wrong[:3], [])


def compare_refusals(rng, programs, checks, scratch, folder):
    """What is no PNG or JPEG, and what is cut, is refused by code, never shown."""
    image = Image.fromarray((pictures.drawn(rng, 40, 30, 3) >> 8).astype(np.uint8))
    requests, names = [], []
    for form, ending in FORMATS.items():
        image.save(scratch / f"other.{ending}", form)
        requests.append(f"prepare {scratch / f'other.{ending}'} {scratch / 'refused'}")
        names.append(form)
    cut = {"png": pictures.png(rng, 50, 40, pictures.RGB, 8), "jpeg": pictures.jpeg(rng, 50, 40, "RGB")}
    for ending, data in cut.items():
        (scratch / f"cut.{ending}").write_bytes(data[:int(rng.integers(30, len(data) - 2))])
        requests.append(f"prepare {scratch / f'cut.{ending}'} {scratch / 'refused'}")
    _, answers = ask(programs, "probe_images", folder, requests)
    checks.equal(f"{', '.join(names)}, a cut PNG and a cut JPEG are refused", [words[0] for words in answers],
                 ["DATA-IMAGE-005"] * len(names) + ["DATA-IMAGE-006", "DATA-IMAGE-019"])


def compare_shown(seed, programs, checks, scratch, files):
    """What sft_main shows of the pictures that it trains on: index.html holds them as the model sees them."""
    rng, folder = random.Random(seed), scratch / "shown"
    small_folders.write_language(folder / "language", rng)
    config = small_folders.write_vision(folder / "vision", rng, patch_size=14, image_size=56)
    talk = [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "This."}]
    names = [path.name for path, _, _ in files[:60]]
    records = [{"id": k, "image": names[k::10], "conversations": talk} for k in range(10)]
    (folder / "data.json").write_text(json.dumps(records))
    programs.run("sft_main", "--data_path", folder / "data.json", "--image_folder", scratch, "--validate_only",
                 "--vision_model_name_or_path", folder / "vision", "--lm_model_name_or_path", folder / "language",
                 "--data_train_split_ratio", 1, "--data_debug_path", folder / "debug")
    page = (folder / "debug" / "index.html").read_text()
    shown = [Image.open(io.BytesIO(base64.b64decode(text)))
             for text in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)]
    processor = CLIPImageProcessorPil.from_pretrained(folder / "vision", do_rescale=False, do_normalize=False)
    theirs = [processor(opened(scratch / name), return_tensors="np")["pixel_values"][0]
              for record in records for name in record["image"]]
    checks.equal("sft_main: pictures shown", len(shown), len(theirs))
    worst = max(int(np.abs(np.asarray(a.convert("RGB"), int) - np.moveaxis(b, 0, -1)).max())
                for a, b in zip(shown, theirs, strict=True))
    checks.error(f"sft_main: {len(shown)} pictures as the model sees them, {config.image_size} pixels", worst,
                 "images.bytes")


def main():
    programs, seed, checks, scratch = interop.start()
    rng = np.random.default_rng(seed)
    files, work = written(rng, scratch), []
    for part in range(15):
        folder = scratch / f"processor_{part}"
        work.append((folder, processor_folder(rng, folder, next_grid=part % 3 == 2), files[part::15]))
    decoders = compare_pictures(programs, checks, "probe_images", work)
    compare_pictures(programs, checks, "probe_images_stb", work)
    compare_layouts(rng, programs, checks, scratch)
    compare_refusals(rng, programs, checks, scratch, work[0][0])
    exact = [file for file in files if file[1] == "png" or "jpeg: stb_image" not in decoders]
    compare_shown(seed, programs, checks, scratch, exact)
    checks.done()


if __name__ == "__main__":
    main()
