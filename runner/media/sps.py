"""How large a picture is, by an H.264 sequence parameter set (ITU-T H.264, 7.3.2.1.1)."""

HIGH = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
CHROMA = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}  # luma samples a crop unit, across and down


def picture_size(unit: bytes) -> tuple[int, int] | None:
    """Width and height of the cropped picture; None for what is seldom seen, or ends too soon."""
    bits = _Bits(unit.replace(b"\0\0\3", b"\0\0"))
    try:
        return _size(bits) if unit[0] & 31 == 7 else None
    except IndexError:
        return None


def _size(bits: "_Bits") -> tuple[int, int] | None:
    bits.skip(8)
    profile = bits.read(8)
    bits.skip(16)
    bits.golomb()  # its id
    chroma = 1
    if profile in HIGH:
        chroma = bits.golomb()
        if chroma == 3:
            bits.skip(1)
        bits.golomb(), bits.golomb()  # bit depths
        bits.skip(1)
        if bits.read(1):  # scaling matrices
            return None
    bits.golomb()  # frame numbers
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order != 2:
        return None
    bits.golomb()  # reference frames
    bits.skip(1)
    across, down = bits.golomb() + 1, bits.golomb() + 1
    whole_frames = bits.read(1)
    if not whole_frames:
        bits.skip(1)
    bits.skip(1)
    left = right = top = bottom = 0
    if bits.read(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
    if chroma not in CHROMA:
        return None
    wide, high = CHROMA[chroma]
    fields = 2 - whole_frames
    width = across * 16 - (left + right) * wide
    height = down * 16 * fields - (top + bottom) * high * fields
    return width, height


class _Bits:
    """Bits from the left; IndexError behind the end."""

    def __init__(self, data: bytes) -> None:
        self._text = bin(int.from_bytes(b"\1" + data, "big"))[3:]
        self._at = 0

    def skip(self, count: int) -> None:
        self._at += count

    def read(self, count: int) -> int:
        start, self._at = self._at, self._at + count
        if self._at > len(self._text):
            raise IndexError
        return int(self._text[start : self._at], 2)

    def golomb(self) -> int:
        """An unsigned Exp-Golomb number."""
        zeros = self._text.find("1", self._at) - self._at
        if not 0 <= zeros <= 32:
            raise IndexError
        self.skip(zeros)
        return self.read(zeros + 1) - 1
