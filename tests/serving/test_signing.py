"""A signature covers every bit of a model's files, is of a key that is trusted, and a key that cannot be used is named."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from serving import keys, signing
from serving.keys import KeyFileError
from serving.model import load
from serving.signing import SignatureError
from tests.fixtures import exports

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


@pytest.fixture
def key(tmp_path: pathlib.Path) -> pathlib.Path:
    keys.make(tmp_path / "keys" / "signing.pem")
    return tmp_path / "keys" / "signing.pem"


@pytest.fixture
def signed(tmp_path: pathlib.Path, key: pathlib.Path) -> pathlib.Path:
    """The SavedModel of a stand-in, signed."""
    model = shutil.copytree(exports.saved_model() / "Format-Serving", tmp_path / "model")
    signing.sign(model, key)
    return model


def files_of(directory: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def refusal(model: pathlib.Path, key: pathlib.Path) -> str:
    with pytest.raises(SignatureError) as caught:
        signing.verify(model, [keys.public_half(key)])
    assert caught.value.remedy and str(model) in str(caught.value.where)
    return caught.value.what


def test_a_signed_model_is_verified_wherever_it_is_moved(signed, key, tmp_path) -> None:
    public = keys.public_half(key)
    assert signing.verify(signed, [public]) == public
    shutil.move(signing.path_of(signed), signing.path_of(tmp_path / "elsewhere"))
    signed.rename(tmp_path / "elsewhere")
    assert signing.verify(tmp_path / "elsewhere", [public]) == public


@pytest.mark.parametrize("build", [exports.saved_model, exports.litert], ids=["saved_model", "litert"])
def test_a_model_is_loaded_only_with_a_trusted_signature_if_that_is_asked_for(build, tmp_path) -> None:
    model = shutil.copytree(build(), tmp_path / "artifact") / "Format-Serving"
    assert load(model, trusted=[keys.public_half(str(exports.signing().key))]).score([]) == []
    with pytest.raises(SignatureError, match="not trusted"):
        load(model, trusted=[keys.make(tmp_path / "other.pem")])
    (model / "more").touch()
    with pytest.raises(SignatureError, match="more"):
        load(model, trusted=[keys.public_half(str(exports.signing().key))])


def test_a_flipped_bit_in_any_file_is_caught_and_the_file_named(signed, key) -> None:
    files = files_of(signed)
    assert len(files) >= 5
    for path in files:
        before = path.read_bytes()
        for place in {0, len(before) // 2, len(before) - 1}:
            harmed = bytearray(before)
            harmed[place] ^= 1 << (place % 8)
            path.write_bytes(harmed)
            assert path.name in refusal(signed, key), (path, place)
        path.write_bytes(before)
    signing.verify(signed, [keys.public_half(key)])


def test_a_removed_file_is_caught_whichever_it_is(signed, key) -> None:
    for path in files_of(signed):
        before = path.read_bytes()
        path.unlink()
        assert "Missing files" in (said := refusal(signed, key)) and path.name in said
        path.write_bytes(before)


@pytest.mark.parametrize("name", ["extra", ".gitignore", ".git/config", "variables/saved_model.pb", "a/deep/one"])
def test_an_added_file_is_caught_wherever_it_is(signed, key, name) -> None:
    (signed / name).parent.mkdir(parents=True, exist_ok=True)
    (signed / name).touch()
    assert name in refusal(signed, key)


def test_what_is_no_file_is_neither_signed_nor_verified(signed, key) -> None:
    for make in (lambda at: at.symlink_to("/etc/passwd"), lambda at: at.symlink_to(signed), os.mkfifo):
        make(signed / "odd")
        with pytest.raises(SignatureError, match="neither a file nor a directory") as caught:
            signing.verify(signed, [keys.public_half(key)])
        assert caught.value.where == str(signed / "odd")
        with pytest.raises(SignatureError, match="neither"):
            signing.sign(signed, key)
        (signed / "odd").unlink()


def test_two_files_that_change_places_are_caught(signed, key) -> None:
    first, second = signed / "tokenizer.model", signed / "headrace_model.json"
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    assert "Hash mismatch" in refusal(signed, key)


def test_a_model_that_is_not_signed_is_refused(signed, key) -> None:
    signing.path_of(signed).unlink()
    assert refusal(signed, key).startswith("the model is not signed")


def test_a_key_that_is_not_trusted_does_not_count(signed, key, tmp_path) -> None:
    other = keys.make(tmp_path / "other.pem")
    with pytest.raises(SignatureError, match="not trusted"):
        signing.verify(signed, [other])
    with pytest.raises(SignatureError, match="not trusted"):
        signing.verify(signed, [])
    assert signing.verify(signed, [other, keys.public_half(key)]) == keys.public_half(key)


def changed(signature: pathlib.Path, change) -> None:
    bundle = json.loads(signature.read_text())
    change(bundle)
    signature.write_text(json.dumps(bundle))


def statement(bundle: dict) -> dict:
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def replaced(bundle: dict, facts: dict) -> None:
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(facts).encode()).decode()


def test_a_signature_that_was_changed_is_refused(signed, key, tmp_path) -> None:
    signature, other = signing.path_of(signed), keys.make(tmp_path / "other.pem")
    whole = signature.read_text()

    def another_key(bundle: dict) -> None:
        bundle["verificationMaterial"]["publicKey"]["hint"] = other.identity

    def another_file(bundle: dict) -> None:
        facts = statement(bundle)
        facts["predicate"]["resources"][0]["digest"] = "00" * 32
        replaced(bundle, facts)

    def another_signature(bundle: dict) -> None:
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(b"\x30\x06\x02\x01\x01\x02\x01\x01").decode()

    def no_signature(bundle: dict) -> None:
        bundle["dsseEnvelope"]["signatures"] = []

    def no_name(bundle: dict) -> None:
        del bundle["verificationMaterial"]["publicKey"]["hint"]

    def holes(bundle: dict) -> None:
        facts = statement(bundle)
        facts["predicate"]["serialization"]["ignore_paths"] = ["variables"]
        replaced(bundle, facts)

    for change in (another_key, another_file, another_signature, no_signature, no_name, holes):
        changed(signature, change)
        with pytest.raises(SignatureError):
            signing.verify(signed, [keys.public_half(key), other])
        signature.write_text(whole)
    for text in (
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"verificationMaterial": {}}',
        "\x00",
        whole[: len(whole) // 2],
    ):
        signature.write_text(text)
        assert refusal(signed, key).startswith("not a signature")
    signature.write_bytes(b" " * (signing._MOST_SIGNATURE_BYTES + 1))
    assert "over 8,388,608 bytes" in refusal(signed, key)


def test_a_signature_that_leaves_files_out_does_not_count_though_it_is_genuine(signed, key) -> None:
    from model_signing import hashing
    from model_signing import signing as library

    config = library.Config().use_elliptic_key_signer(private_key=key)
    config.set_hashing_config(hashing.Config().set_ignored_paths(paths=["variables"])).sign(
        signed, signing.path_of(signed)
    )
    assert "leaves out" in refusal(signed, key)


def test_what_is_too_much_to_be_a_model_is_not_hashed(signed, key, monkeypatch) -> None:
    monkeypatch.setattr(signing, "MOST_FILES", 5)
    assert "more than a model" in refusal(signed, key)
    monkeypatch.undo()
    with (signed / "huge").open("wb") as file:
        file.truncate(signing.MOST_BYTES + 1)
    assert "more than a model" in refusal(signed, key)


def test_a_key_is_its_owners_alone_and_never_made_twice(tmp_path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    public = keys.make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.with_suffix(".pub").read_text() == public.pem and "PRIVATE" not in public.pem
    assert keys.read_public(path.with_suffix(".pub")) == public == keys.public_half(path)
    assert keys.make(path) == public
    assert {file.name for file in path.parent.iterdir()} == {"signing.pem", "signing.pub"}
    assert keys.make(tmp_path / "another.pem") != public


def faults(tmp_path: pathlib.Path) -> dict[str, tuple[pathlib.Path, str]]:
    """Private keys that cannot be used, each with what is said of it."""
    p256 = ec.generate_private_key(ec.SECP256R1())
    none = serialization.NoEncryption()
    contents = {
        "empty": (b"", "not a private key"),
        "text": (b"my secret password is 1234\n", "not a private key"),
        "public": (
            p256.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "not a private",
        ),
        "encrypted": (p256.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"x")), "has a password"),
        "rsa": (rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, none), "of another kind"),
        "curve": (ec.generate_private_key(ec.SECP256K1()).private_bytes(PEM, PKCS8, none), "secp256k1"),
        "long": (p256.private_bytes(PEM, PKCS8, none) + b"\n" * 70_000, "longer than a key"),
        "open": (p256.private_bytes(PEM, PKCS8, none), "open to others (mode 0644)"),
    }
    made = {"missing": (tmp_path / "missing.pem", "no such key file"), "directory": (tmp_path, "cannot be read")}
    for name, (content, said) in contents.items():
        path = tmp_path / f"{name}.pem"
        path.write_bytes(content)
        path.chmod(0o644 if name == "open" else 0o600)
        made[name] = (path, said)
    return made


def test_a_private_key_that_cannot_be_used_is_named_with_what_to_do(signed, tmp_path) -> None:
    for name, (path, said) in faults(tmp_path).items():
        with pytest.raises(KeyFileError) as caught:
            signing.sign(signed, path)
        assert said in caught.value.what and caught.value.where == str(path) and caught.value.remedy, name
        assert "1234" not in str(caught.value)


def test_a_public_key_that_cannot_be_used_is_named_with_what_to_do(key, tmp_path) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048).public_key()
    (tmp_path / "rsa.pub").write_bytes(rsa_key.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "text.pub").write_text("ssh-rsa AAAA")
    for path, said in (
        (key, "a private key where a public one belongs"),
        (tmp_path / "rsa.pub", "another kind"),
        (tmp_path / "text.pub", "not a public key"),
        (tmp_path / "missing.pub", "no such key file"),
    ):
        with pytest.raises(KeyFileError, match=said) as caught:
            keys.read_public(path)
        assert caught.value.where == str(path) and caught.value.remedy


def test_the_signature_holds_nothing_of_the_private_key(signed, key) -> None:
    secret = serialization.load_pem_private_key(key.read_bytes(), None).private_numbers().private_value
    text = signing.path_of(signed).read_bytes() + base64.b64decode(
        json.loads(signing.path_of(signed).read_text())["dsseEnvelope"]["payload"]
    )
    assert secret.to_bytes(32, "big") not in text and f"{secret:x}".encode() not in text
    assert all(line not in text for line in key.read_bytes().splitlines()[1:-1])


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, components.signing, serving.model, serving.signing\n"
        "assert not {'model_signing', 'sigstore', 'tensorflow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
