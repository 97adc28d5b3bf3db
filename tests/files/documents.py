"""Small files of every kind, and hostile ones."""

import io
import zipfile
import zlib

import docx
import pypdf

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63"
    "f8cfc0f01f0005000101ff89a1c2590000000049454e44ae426082"
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(20) + b"\xff\xd9"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02;"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f" + bytes(12)


def pdf(*lines: str, filled: bytes = b"") -> bytes:
    """A PDF of one page that says these lines (of Latin letters)."""
    shown = b"".join(b"(%s) Tj 0 -20 Td " % line.encode() for line in lines)
    stream = zlib.compress(b"BT /F1 12 Tf 50 700 Td " + shown + filled + b" ET")
    objects = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
        b"/Resources <</Font <</F1 <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>>>>>>>",
        b"<</Filter /FlateDecode /Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    written, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 5\n0000000000 65535 f \n"
    return written + head + table + b"trailer <</Root 1 0 R /Size 5>>\nstartxref\n%d\n%%%%EOF" % len(written)


def locked_pdf() -> bytes:
    """A PDF that opens only with a password."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("secret")))
    writer.encrypt("password", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def word(*paragraphs: str) -> bytes:
    """A DOCX of these paragraphs, and a table of two cells."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    cells = document.add_table(rows=1, cols=2).rows[0].cells
    cells[0].text, cells[1].text = "左", "右"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zipped(**entries: bytes) -> bytes:
    """A zip; `__` in a name stands for a slash, and `xml` is added to it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return buffer.getvalue()


def swollen_word() -> bytes:
    """A DOCX whose document is 201 MiB of nothing."""
    return zipped(word__document=bytes(201 * 2**20))


def deep_word() -> bytes:
    """A DOCX within the limit of unpacked bytes, whose tree would take gigabytes."""
    original = zipfile.ZipFile(io.BytesIO(word("a")))
    head, tail = original.read("word/document.xml").split(b"<w:body>")
    body = head + b"<w:body>" + b"<w:p/>" * (25 * 2**20) + tail
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in original.namelist():
            archive.writestr(name, body if name == "word/document.xml" else original.read(name))
    return buffer.getvalue()


def swollen_pdf() -> bytes:
    """A PDF whose page unpacks to 100 MB of spaces."""
    return pdf("a", filled=b" " * (100 * 2**20))
