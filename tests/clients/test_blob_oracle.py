"""Ciphertext blobs against a second implementation (tests/oracle/blob_ref.py, on the library `cryptography`), under keys
whose material a seed file tells both sides."""

import os
import pathlib
import sys
import uuid

import pytest
from botocore.exceptions import ClientError
from connect import make_client
from server import Server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import blob_ref

KEYS = {
    "single-Region": ("1234abcd-12ab-34cd-56ef-1234567890ab", bytes(range(32))),
    "multi-Region": ("mrk-1234abcd12ab34cd56ef1234567890ac", bytes(range(32, 64))),
}
CONTEXTS = [{}, {"a": "1", "b": "2"}, {"Ω": "ä", "": "empty name", "long": "v" * 5000}]
PLAINTEXTS = [b"x", b"hello", bytes(4096)]


def key_bytes(key_id):
    return uuid.UUID(key_id.removeprefix("mrk-")).bytes


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeded")
    rows = (f'[[keys]]\nid = "{key_id}"\nmaterial = "{material.hex()}"\n' for key_id, material in KEYS.values())
    (folder / "seed.toml").write_text("".join(rows))
    running = Server(folder, ["--seed", str(folder / "seed.toml")]).start()
    yield make_client(running.url)
    running.stop()


@pytest.mark.parametrize("plaintext", PLAINTEXTS, ids=len)
@pytest.mark.parametrize("context", CONTEXTS, ids=len)
@pytest.mark.parametrize("kind", KEYS)
def test_each_side_opens_what_the_other_sealed(seeded, kind, context, plaintext):
    key_id, material = KEYS[kind]
    blob = seeded.encrypt(KeyId=key_id, Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"]
    multi_region = kind == "multi-Region"
    assert blob_ref.open_blob(material, key_bytes(key_id), context, blob, multi_region) == plaintext

    ours = blob_ref.seal(material, key_bytes(key_id), context, plaintext, os.urandom(16), os.urandom(12), multi_region)
    answer = seeded.decrypt(CiphertextBlob=ours, EncryptionContext=context)
    assert answer["Plaintext"] == plaintext
    assert answer["KeyMaterialId"] == blob_ref.material_id(material, key_bytes(key_id)).hex()


def test_a_commitment_to_another_key_is_refused(seeded):
    """GCM alone would open it: the blob is sealed rightly, and only its commitment is another key's."""
    key_id, material = KEYS["single-Region"]
    nonce, iv = os.urandom(16), os.urandom(12)
    right = blob_ref.seal(material, key_bytes(key_id), {}, b"hello", nonce, iv)
    wrong = bytearray(right)
    wrong[64] ^= 1
    header = bytes(wrong[: blob_ref.HEADER_LEN])
    derivation = nonce + key_bytes(key_id) + header[20:36] + bytes([blob_ref.SUITE])
    key = blob_ref.derive(material, b"keyreeve/v1/enc", derivation, 32)
    forged = header + blob_ref.AESGCM(key).encrypt(iv, b"hello", blob_ref.associated_data(header, {}))
    with pytest.raises(ClientError) as refusal:
        seeded.decrypt(CiphertextBlob=forged)
    assert refusal.value.response["Error"]["Code"] == "InvalidCiphertextException"
