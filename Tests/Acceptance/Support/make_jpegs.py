"""Makes JPEG files of 20 to 300 KB, all different: noise and gradients, of varying size and quality.

    make_jpegs.py FOLDER COUNT SEED

The files are 0001.jpg and so on. One seed makes the same files again.
"""

import io
import pathlib
import random
import sys

from PIL import Image

SMALLEST, LARGEST = 20_000, 300_000


def main():
    folder, count, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    choice = random.Random(seed)
    # Made once and cut from anew for each picture, which costs far less than making it.
    noise = Image.frombytes("RGB", (1600, 1200), choice.randbytes(1600 * 1200 * 3))
    gradients = [Image.linear_gradient("L"), Image.radial_gradient("L")]
    for number in range(1, count + 1):
        data = b""
        while not SMALLEST <= len(data) <= LARGEST:
            data = jpeg(picture(choice, noise, gradients), choice.randrange(40, 96))
        (folder / f"{number:04}.jpg").write_bytes(data)


def picture(choice, noise, gradients):
    width, height = choice.choice([(320, 240), (480, 360), (640, 360), (640, 480)])
    left, top = choice.randrange(noise.width - width), choice.randrange(noise.height - height)
    cut = noise.crop((left, top, left + width, top + height))
    gradient = choice.choice(gradients).rotate(choice.choice([0, 90, 180, 270])).resize((width, height))
    return Image.blend(gradient.convert("RGB"), cut, choice.uniform(0.1, 0.9))


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


if __name__ == "__main__":
    main()
