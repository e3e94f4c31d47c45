"""Picture files of every kind that PNG and JPEG know, drawn from a seed. What Pillow cannot write is written here."""
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageFile

ImageFile.MAXBLOCK = 1 << 24  # else Pillow cannot optimise or write several scans of good quality
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6  # colour types of PNG
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
PNG_KINDS = [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16), (PALETTE, 1), (PALETTE, 2),
             (PALETTE, 4), (PALETTE, 8), (GREY_ALPHA, 8), (GREY_ALPHA, 16), (RGB_ALPHA, 8), (RGB_ALPHA, 16)]
JPEG_KINDS = ["RGB", "L", "CMYK", "YCCK", "stored RGB", "4:4:0", "4:1:1", "1 x 4", "no markers", "grey 2 x 2"]


def drawn(rng, width, height, channels):
    """Samples of 16 bits, (height, width, channels): noise, ramps, a grid of two colours, or plain fields."""
    kind = rng.integers(4)
    y, x = np.mgrid[0:height, 0:width]
    if kind == 0:
        return rng.integers(0, 65536, (height, width, channels), dtype=np.uint16)
    if kind == 1:
        slopes = rng.integers(-900, 900, (2, channels))
        return (x[..., None] * slopes[0] + y[..., None] * slopes[1]).astype(np.uint16)
    side = int(rng.integers(1, 40))
    colours = rng.integers(0, 65536, (height // side + 1, width // side + 1, channels), dtype=np.uint16)
    if kind == 2:
        colours = np.where((colours[..., :1] & 1) == 0, colours[:1, :1], colours)
    return colours[y // side, x // side]


def _rows(samples, depth, rng):
    """Filtered rows of one pass; each row takes a filter of its own."""
    height, width, channels = samples.shape
    if depth == 16:
        raw = samples.astype(">u2").view(np.uint8).reshape(height, -1)
    elif depth == 8:
        raw = samples.astype(np.uint8).reshape(height, -1)
    else:
        bits = samples.reshape(height, -1, 1) >> np.arange(depth - 1, -1, -1, dtype=np.uint16) & 1
        raw = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    step = max(1, channels * depth // 8)
    out, above = [], np.zeros(raw.shape[1], int)
    for row in raw.astype(int):
        left, corner = (np.concatenate([np.zeros(min(step, len(row)), int), r[:-step]]) for r in (row, above))
        near = left + above - corner
        a, b, c = abs(near - left), abs(near - above), abs(near - corner)
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
        kind = int(rng.integers(5))
        predicted = (0, left, above, (left + above) // 2, paeth)[kind]
        out.append(bytes([kind]) + ((row - predicted) & 255).astype(np.uint8).tobytes())
        above = row
    return b"".join(out)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rng, width, height, colour, depth):
    """A PNG file; interlacing, transparency, filters, division into chunks and what is not pixels are drawn."""
    samples = drawn(rng, width, height, CHANNELS[colour]) >> (16 - depth)
    interlaced = bool(rng.integers(2))
    before = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))]
    if rng.integers(2):
        before.append(_chunk(b"gAMA", struct.pack(">I", int(rng.integers(1, 300000)))))
    if rng.integers(2):  # a profile that is none
        before.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(rng.bytes(200))))
    if colour == PALETTE:
        before.append(_chunk(b"PLTE", rng.bytes(3 << depth)))
    if colour in (GREY, RGB, PALETTE) and rng.integers(2):
        before.append(_chunk(b"tRNS", rng.bytes(1 << depth) if colour == PALETTE else
                             samples[0, 0].astype(">u2").tobytes()))
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    parts = [samples[y::down, x::across] for x, y, across, down in passes]
    data = zlib.compress(b"".join(_rows(p, depth, rng) for p in parts if p.size), int(rng.integers(10)))
    cut = int(rng.integers(1, len(data)))
    after = [_chunk(b"tEXt", b"Comment\0drawn"), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(before + [_chunk(b"IDAT", d) for d in (data[:cut], data[cut:])] + after)


def _segments(jpeg):
    """(marker, offset, length) of the segments up to the first scan."""
    at, found = 2, []
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2:at + 4], "big") + 2
        found.append((marker, at, length))
        at += length
        if marker == 0xDA:
            return found


def _frame(jpeg):
    """Offset of the frame's segment."""
    return next(at for marker, at, _ in _segments(jpeg) if marker in (0xC0, 0xC1, 0xC2))


def _without_application_segments(jpeg):
    for marker, at, length in reversed(_segments(jpeg)):
        if 0xE0 <= marker <= 0xEF:
            jpeg = jpeg[:at] + jpeg[at + length:]
    return jpeg


def _turned_blocks(rng, kind, width, height, options):
    """A JPEG whose blocks are told to lie otherwise: luma factors that Pillow does not write, sides of whole units."""
    subsampling, down, across, rows = {"4:4:0": (1, 8, 1, 2), "4:1:1": (2, 16, 4, 1), "1 x 4": (2, 16, 1, 4)}[kind]
    units = (width + 15) // 16, (height + down - 1) // down
    data = bytearray(_saved(rng, units[0] * 16, units[1] * down, "RGB", dict(options, subsampling=subsampling)))
    at = _frame(data)
    data[at + 5:at + 9] = struct.pack(">HH", units[1] * 8 * rows, units[0] * 8 * across)
    data[at + 11] = across << 4 | rows
    return bytes(data)


def _saved(rng, width, height, mode, options):
    image = Image.fromarray((drawn(rng, width, height, 3) >> 8).astype(np.uint8)).convert(mode)
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def jpeg(rng, width, height, kind):
    """A JPEG file; quality, scans, restarts, orientation and chroma are drawn."""
    options = dict(quality=int(rng.integers(5, 101)), progressive=bool(rng.integers(2)), optimize=bool(rng.integers(2)))
    if rng.integers(2):
        options["restart_marker_blocks"] = int(rng.integers(1, 9))
    if rng.integers(2):  # held upright, says the camera
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    if kind in ("4:4:0", "4:1:1", "1 x 4"):
        return _turned_blocks(rng, kind, width, height, options)
    mode = {"L": "L", "grey 2 x 2": "L", "CMYK": "CMYK", "YCCK": "CMYK"}.get(kind, "RGB")
    if kind == "stored RGB":
        options["keep_rgb"] = True
    elif mode == "RGB":
        options["subsampling"] = int(rng.integers(3))
    data = _saved(rng, width, height, mode, options)
    if kind == "no markers":
        return _without_application_segments(data)
    if kind == "YCCK":
        at = data.index(b"Adobe") + 11
        return data[:at] + b"\x02" + data[at + 1:]
    if kind == "grey 2 x 2":
        at = _frame(data) + 11
        return data[:at] + b"\x22" + data[at + 1:]
    return data
