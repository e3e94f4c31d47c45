"""Writes the pictures of this folder and golden.txt: what Pillow 13.0.0 and transformers 5.23.0 make of them.
    pip install pillow==13.0.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6 && python make_golden.py
A line of golden.txt is one of
    decode FILE WIDTH HEIGHT HASH          RGB bytes of the file
    pixel FILE X Y RED GREEN BLUE          one pixel of a JPEG, for decoders that are only near
    resize W H TO_W TO_H HASH              the drawn picture, bicubic
    crop W H EDGE HASH                     shortest edge to EDGE, centre EDGE x EDGE
    pixels W H EDGE CROP HASH              the drawn picture's floats from the CLIP processor (MEAN, STD)
    tiles W H TILES HASH                   its tiles in bytes from the LLaVA-NeXT processor (GRID, tiles of 28)
HASH is FNV-1a (64 bit) of the bytes, in hexadecimal."""
import os
import sys

import numpy as np
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../interop"))
import pictures  # noqa: E402

MEAN, STD = [0.5, 0.25, -0.125], [0.3, 0.7, 1.9]
GRID = [[28, 56], [56, 28], [56, 56], [84, 28], [28, 84]]
HERE = os.path.dirname(os.path.abspath(__file__))


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def drawn(width, height):
    """The picture that the test draws too: ramps, and noise in its middle."""
    i = np.arange(width * height * 3, dtype=np.uint64).reshape(height, width, 3)
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    noise = (i * np.uint64(2654435761) % np.uint64(1 << 32)) >> np.uint64(13)
    middle = (x >= width // 3) & (x < width // 2) & (y >= height // 4) & (y < height // 2)
    return np.where(middle, noise, (3 + c) * x + 5 * y).astype(np.uint64).astype(np.uint8)


def save(name, image, **options):
    image.save(os.path.join(HERE, name), **options)
    say(name)


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(data)
    say(name)


def say(name):
    """The line of a picture file."""
    read = Image.open(os.path.join(HERE, name))
    rgb = np.asarray(read)
    if rgb.dtype == np.uint16 or read.mode.startswith("I"):  # 16 bits: the high byte
        rgb = np.repeat((rgb.astype(np.uint32) >> 8).astype(np.uint8)[..., None], 3, -1)
    else:
        rgb = np.asarray(read.convert("RGB"))
    print("decode", name, read.width, read.height, fnv(rgb.tobytes()), file=out)
    if name.endswith(".jpg"):
        say_pixels(name, rgb)


def say_pixels(name, rgb):
    """Lines of some pixels: every seventh of a row, every fifth row."""
    for y in range(0, rgb.shape[0], 5):
        for x in range(0, rgb.shape[1], 7):
            print("pixel", name, x, y, *rgb[y, x], file=out)


def write_rare_kinds():
    """Kinds that Pillow reads and does not write."""
    rng = np.random.default_rng(1)
    for name, colour, depth in (("grey_2_bits", pictures.GREY, 2), ("palette_2_bits", pictures.PALETTE, 2),
                                ("rgb_16_bits", pictures.RGB, 16), ("grey_alpha_16_bits", pictures.GREY_ALPHA, 16)):
        write(f"{name}.png", pictures.png(rng, 19, 23, colour, depth))
    for name, kind in (("ycck", "YCCK"), ("stored_rgb", "stored RGB"), ("baseline_440", "4:4:0"),
                       ("baseline_411", "4:1:1"), ("no_markers", "no markers")):
        write(f"{name}.jpg", pictures.jpeg(rng, 31, 27, kind))
    for side in (1, 2, 3, 4):
        picture = Image.fromarray(drawn(side, 9))
        save(f"width_{side}.jpg", picture, quality=80, subsampling=1 + side % 2)


def write_processed():
    """Lines of what transformers makes of drawn pictures."""
    for w, h, edge, crop in [(64, 48, 24, 24), (31, 50, 30, 21), (20, 19, 57, 40)]:
        clip = CLIPImageProcessorPil(size={"shortest_edge": edge}, crop_size={"height": crop, "width": crop},
                                     image_mean=MEAN, image_std=STD)
        floats = np.asarray(clip(Image.fromarray(drawn(w, h)), return_tensors="np")["pixel_values"], np.float32)
        print("pixels", w, h, edge, crop, fnv(floats.tobytes()), file=out)
    anyres = LlavaNextImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28},
                                        image_grid_pinpoints=GRID, do_rescale=False, do_normalize=False)
    for w, h in [(64, 48), (28, 28), (90, 20), (17, 300), (101, 99), (1, 1)]:
        tiles = anyres(Image.fromarray(drawn(w, h)), return_tensors="np")["pixel_values"][0]
        print("tiles", w, h, len(tiles), fnv(np.moveaxis(tiles, 1, -1).astype(np.uint8).tobytes()), file=out)


with open(os.path.join(HERE, "golden.txt"), "w") as out:
    picture = Image.fromarray(drawn(37, 29))
    for mode in ("RGB", "L", "RGBA", "P", "1", "LA"):
        image = picture.convert(mode)
        if mode in ("RGBA", "LA"):
            image.putalpha(Image.fromarray(drawn(37, 29)[..., 0]))
        save(f"{mode.lower()}.png", image, optimize=True)
    save("transparent_palette.png", picture.convert("P"), transparency=3)
    save("grey_4_bits.png", picture.convert("L").quantize(16), bits=4)
    save("grey_16_bits.png", Image.fromarray(drawn(37, 29)[..., 0].astype(np.uint16) * 256 + 201))
    for name, options in {"baseline_444": dict(subsampling=0), "baseline_422": dict(subsampling=1),
                          "baseline_420": dict(subsampling=2), "progressive_420": dict(subsampling=2, progressive=True),
                          "restarts": dict(subsampling=2, restart_marker_blocks=2)}.items():
        save(f"{name}.jpg", picture, quality=80, **options)
    save("grey.jpg", picture.convert("L"), quality=80)
    save("cmyk.jpg", picture.convert("CMYK"), quality=80)
    for w, h, to_w, to_h in [(1, 1, 5, 7), (37, 29, 12, 40), (29, 137, 8, 9), (200, 31, 50, 30), (64, 64, 64, 20),
                             (50, 400, 49, 60), (33, 31, 300, 200), (640, 480, 299, 224), (20, 300, 30, 40)]:
        small = Image.fromarray(drawn(w, h)).resize((to_w, to_h), Image.BICUBIC)
        print("resize", w, h, to_w, to_h, fnv(np.asarray(small).tobytes()), file=out)
    for w, h, edge in [(64, 48, 24), (1, 1, 24), (640, 480, 32), (31, 500, 24), (500, 31, 24), (24, 24, 24),
                       (25, 24, 24)]:
        to = (edge, int(edge * h / w)) if w <= h else (int(edge * w / h), edge)
        left, top = (to[0] - edge) // 2, (to[1] - edge) // 2
        small = np.asarray(Image.fromarray(drawn(w, h)).resize(to, Image.BICUBIC))[top:top + edge, left:left + edge]
        print("crop", w, h, edge, fnv(small.tobytes()), file=out)
    write_rare_kinds()
    write_processed()
