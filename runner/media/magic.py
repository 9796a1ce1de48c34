"""What a file is, by its first bytes. Names and extensions are not evidence."""

IMAGES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
AUDIO = {
    b"ID3": "audio/mpeg",
    b"fLaC": "audio/flac",
    b"OggS": "audio/ogg",
    b"FORM": "audio/aiff",
}
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
OTHERS = {
    b"%PDF": "application/pdf",
    b"\x1f\x8b": "application/gzip",
    b"PK\x03\x04": "application/zip",
    b"\x7fELF": "application/x-executable",
    b"\x1a\x45\xdf\xa3": "video/webm",  # or another Matroska
    b"8BPS": "image/vnd.adobe.photoshop",
}
HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"})
TEXTS = (
    ("<svg", "image/svg+xml"),
    ("<!doctype html", "text/html"),
    ("<html", "text/html"),
    ("<?xml", "application/xml"),
    ("{", "application/json"),
    ("[", "application/json"),
)
WORDS = {
    "": "something unknown",
    "application/json": "JSON text",
    "application/xml": "XML",
    "image/svg+xml": "an SVG drawing",
    "application/pdf": "a PDF document",
    "application/gzip": "a gzip archive",
    "application/zip": "a ZIP archive",
    "application/x-executable": "a program",
    "text/html": "an HTML page",
    "text/plain": "text",
    "video/webm": "WebM or Matroska",
    "video/x-msvideo": "AVI",
    "image/vnd.adobe.photoshop": "a Photoshop document",
}


def guess(head: bytes) -> str:
    """The media type of a file from its first 512 bytes; "" when nothing is known."""
    for table in (IMAGES, AUDIO, OTHERS):
        for magic, mime in table.items():
            if head.startswith(magic):
                return mime
    if head.startswith(b"RIFF"):
        return RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _by_brand(head[8:12])
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return "video/quicktime"  # from before there was an ftyp
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0xF6 == 0xF0 else "audio/mpeg"
    return _text(head)


def describe(head: bytes) -> str:
    """The same for a message: "an HTML page", "PNG", "an empty file"."""
    if not head:
        return "an empty file"
    mime = guess(head)
    return WORDS.get(mime) or mime.rpartition("/")[2].removeprefix("x-").upper()


def _by_brand(brand: bytes) -> str:
    if brand in HEIF:
        return "image/heic"
    if brand in (b"avif", b"avis"):
        return "image/avif"
    if brand == b"qt  ":
        return "video/quicktime"
    return "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"


def _text(head: bytes) -> str:
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    for opening, mime in TEXTS:
        if text.startswith(opening):
            # An SVG often hides behind an XML declaration or a comment.
            return "image/svg+xml" if "<svg" in text else mime
    if head and b"\0" not in head and "\ufffd" not in text[:-3]:
        return "image/svg+xml" if "<svg" in text else "text/plain"
    return ""
