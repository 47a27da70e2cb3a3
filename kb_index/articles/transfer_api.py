"""Files of articles over HTTP: import, export, pictures, and what to look after."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import Field

from foundation.database import Database
from foundation.errors import FirstlineError, InvalidInput, NotFound, TooLarge
from foundation.http import Call, Endpoint
from foundation.http.bodies import SMALL_BODY, read_limited
from foundation.http.connections import waiting_for
from foundation.http.fields import PathField
from foundation.strict_json import check_text
from kb_index.articles import images
from kb_index.articles import schemas as s
from kb_index.articles.api import BASE, make
from kb_index.articles.exporting import to_zip
from kb_index.articles.importing import take
from kb_index.articles.links import Link
from kb_index.articles.maintenance import Maintenance
from kb_index.articles.service import Articles
from kb_index.articles.uploads import MAX_UPLOAD, Read, check_kind, read_upload
from kb_index.permissions import ArticleAction

_T = TypeVar("_T")
_UPLOAD_DEADLINE = 120.0
"""Seconds for a file to arrive."""
_READING_DEADLINE = 60.0
"""Seconds after which no further article of a file is read."""
_FORM = "multipart/form-data"
_MAX_PARTS = 16
_IMAGE = PathField("[0-9a-f]{24}\\.(png|jpg)", "The name of the picture")


class UploadQuery(s.Strict):
    """The name of a file that is the body itself; its ending says what it is."""

    name: str = Field(default="", max_length=300)


class TransferApi:
    """Endpoints for files, and for what editors should look after."""

    def __init__(self, database: Database, articles: Articles, care: Maintenance) -> None:
        self._database = database
        self._articles = articles
        self._care = care
        # One file at a time, in the same thread: what a picture or a page takes is bounded, and so is what
        # they take together, since each thread keeps memory for itself.
        self._converting = ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        may = ArticleAction
        return [
            make("POST", BASE + "/import", self.take_in, may.IMPORT,
                 "Import Markdown, HTML, JSON lines or a ZIP",
                 response=s.ImportOut, raw=True, query=UploadQuery, max_body=MAX_UPLOAD + SMALL_BODY,
                 takes=("application/octet-stream", _FORM)),
            make("GET", BASE + "/export", self.export, may.EXPORT, "All articles as a ZIP of Markdown",
                 gives=("application/zip",)),
            make("POST", BASE + "/images", self.keep_image, may.ADD_PICTURE, "Upload a picture",
                 response=s.ImageOut, status=201, raw=True, max_body=images.MAX_BYTES + SMALL_BODY,
                 takes=("application/octet-stream", _FORM), query=UploadQuery),
            make("GET", BASE + "/stale", self.stale, may.READ, "Articles to read again",
                 response=s.StaleListOut),
            make("GET", BASE + "/{id}/links", self.links, may.READ, "Links that lead nowhere",
                 response=s.LinksOut),
            make("GET", "/help/images/{id}", self.image, may.READ_PICTURE, "A picture of an article",
                 gives=("image/png", "image/jpeg"), path_fields={"id": _IMAGE}),
        ]  # fmt: skip

    async def take_in(self, call: Call) -> s.ImportOut:
        """Import a file; each article by itself, so that a bad one stops nothing."""
        name, raw = await _file(call, MAX_UPLOAD)
        check_kind(name)
        reads = await self._convert(partial(_read_for_a_while, name, raw))
        if not reads:
            raise InvalidInput(
                "The file holds no articles.", hint="Use .md, .html, .jsonl or a .zip of these."
            )
        return s.ImportOut(files=[await self._take(one) for one in reads])

    async def _convert(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._converting, work)

    async def _take(self, one: Read) -> s.TakenOut:
        if one.article is None:
            return s.TakenOut(path=one.path, id=None, outcome="failed", problem=one.problem)
        try:
            outcome = await take(self._articles, one.article, force=False)
        except FirstlineError as error:
            return s.TakenOut(path=one.path, id=one.article.id, outcome="failed", problem=error.message)
        return s.TakenOut(path=one.path, id=one.article.id, outcome=outcome)

    async def export(self, call: Call) -> web.Response:
        """Export everything."""
        files = await self._articles.files()
        content = await asyncio.to_thread(to_zip, files.items())
        return web.Response(
            body=content,
            content_type="application/zip",
            headers={
                "Content-Disposition": 'attachment; filename="articles.zip"',
                "Cache-Control": "no-store",
            },
        )

    async def keep_image(self, call: Call) -> s.ImageOut:
        """Check and keep a picture."""
        _, raw = await _file(call, images.MAX_BYTES)
        picture = await self._convert(partial(images.redraw, raw))
        async with self._database.begin() as tx:
            await images.keep(tx, picture, self._articles.now(), call.caller.name)
        url = f"/help/images/{picture.id}"
        return s.ImageOut(id=picture.id, url=url, width=picture.width, height=picture.height)

    async def image(self, call: Call) -> web.Response:
        """Serve a picture; its name changes with its content."""
        async with self._database.connect() as connection:
            found = await images.read(connection, call.path["id"])
        if found is None:
            raise NotFound("There is no such picture.")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return web.Response(body=found[1], content_type=found[0], headers=headers)

    async def stale(self, call: Call) -> s.StaleListOut:
        """List what to read again."""
        return s.StaleListOut(
            articles=[
                s.StaleOut(
                    id=one.version.article_id, title=one.version.draft.title, area=one.version.draft.area,
                    updated_at=one.version.created_at, review_by=one.review_by, age_days=one.age_days,
                    shown=one.shown,
                )
                for one in await self._care.stale()
            ]
        )  # fmt: skip

    async def links(self, call: Call) -> s.LinksOut:
        """Check links."""
        found = await self._care.links(call.path["id"])
        broken = [_link(one) for one in found if one.problem is not None]
        outside = [_link(one) for one in found if one.problem is None and one.is_external]
        return s.LinksOut(broken=broken, external=outside, checked=len(found))


def _read_for_a_while(name: str, raw: bytes) -> list[Read]:
    found: list[Read] = []
    until = time.monotonic() + _READING_DEADLINE
    for one in read_upload(name, raw):
        found.append(one)
        if time.monotonic() > until:
            found.append(Read("", None, "Reading took too long; the rest was left. Import it in parts."))
            break
    return found


def _link(link: Link) -> s.LinkOut:
    return s.LinkOut(url=link.url[:500], text=link.text[:200], line=link.line, problem=link.problem)


async def _file(call: Call, limit: int) -> tuple[str, bytes]:
    """Read an upload: the first file of a form, or the body itself with its name in `?name=`."""
    request, query = call.request, call.query
    if request.content_type != _FORM:
        return query.name, _filled(await read_limited(request, limit, _UPLOAD_DEADLINE))
    try:
        async with asyncio.timeout(_UPLOAD_DEADLINE):
            with waiting_for(request):
                found = await _first_file(await request.multipart(), limit)
    except (TimeoutError, ConnectionError):
        raise InvalidInput("The file did not arrive in time.", hint="Send it again.") from None
    except FirstlineError:
        raise
    except (ValueError, AssertionError, LookupError, RuntimeError, HttpProcessingError,
            web.RequestPayloadError):  # fmt: skip
        # What aiohttp raises for a form that is none, in words that quote it.
        raise InvalidInput(
            "The form cannot be read.", hint="Send one file, or it alone as the body."
        ) from None
    if found is None:
        raise InvalidInput("There is no file in the form.")
    return found


async def _first_file(form: MultipartReader, limit: int) -> tuple[str, bytes] | None:
    for _ in range(_MAX_PARTS):
        part = await form.next()
        if part is None:
            return None
        if not isinstance(part, BodyPartReader):
            raise InvalidInput("The form holds another form.", hint="Send one file.")
        if part.filename:
            check_text(part.filename)
            return part.filename, _filled(await _content(part, limit))
        await _content(part, SMALL_BODY)
    raise InvalidInput("The form has too many parts.", hint=f"At most {_MAX_PARTS}; one file is enough.")


async def _content(part: BodyPartReader, limit: int) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        content += chunk
        if len(content) > limit:
            raise TooLarge("The file is too large.", hint=f"At most {limit // 1024 // 1024} MiB.")
    return bytes(content)


def _filled(raw: bytes) -> bytes:
    if not raw:
        raise InvalidInput("The file is empty.")
    return raw
