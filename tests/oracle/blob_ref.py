"""Independent reference of the ciphertext blob, version 1, with another library (PyPI "cryptography").

Layout, all integers big-endian:
    0  version 0xC1 | 1  suite 1 | 2  flags, u16 (bit 0: multi-Region) | 4  key id, 16 | 20  material id, first 16
    36 N, 16 | 52  IV, 12 | 64  commitment, 16 | 80  ciphertext | tag, 16
The associated data leaves out the IV: GCM authenticates it itself, so that a module or an HSM may choose it.

Run without arguments: prints the test vector of `ciphertext_blob.rs` and refuses every single-bit change of it.
"""

import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

VERSION, SUITE, FLAG_MULTI_REGION, HEADER_LEN = 0xC1, 1, 1, 80


class Refused(Exception):
    """The blob does not open."""


def derive(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """SP 800-108r1 counter mode, HMAC-SHA-256, 32-bit counter before label || 00 || context || length in bits, u32."""
    return KBKDFHMAC(
        hashes.SHA256(), Mode.CounterMode, length, 4, 4, CounterLocation.BeforeFixed, label, context, None
    ).derive(key)


def canonical(context: dict[str, str]) -> bytes:
    """The encryption context: u32 count, then by the UTF-8 bytes of the names u32 length, name, u32 length, value."""
    entries = sorted((name.encode(), value.encode()) for name, value in context.items())
    return struct.pack(">I", len(entries)) + b"".join(
        struct.pack(">I", len(part)) + part for entry in entries for part in entry
    )


def material_id(material: bytes, key_id: bytes) -> bytes:
    """The 32 bytes whose hexadecimal digits are the KeyMaterialId."""
    return derive(material, b"keyreeve/v1/mid", key_id, 32)


def associated_data(header: bytes, context: dict[str, str]) -> bytes:
    return header[:52] + header[64:80] + canonical(context)


def seal(material, key_id, context, plaintext, nonce, iv, multi_region=False) -> bytes:
    """Encrypts; `nonce` is 16 random bytes, `iv` 12."""
    mid = material_id(material, key_id)[:16]
    derivation_context = nonce + key_id + mid + bytes([SUITE])
    key = derive(material, b"keyreeve/v1/enc", derivation_context, 32)
    commitment = derive(material, b"keyreeve/v1/commit", derivation_context, 16)
    flags = FLAG_MULTI_REGION if multi_region else 0
    header = struct.pack(">BBH", VERSION, SUITE, flags) + key_id + mid + nonce + iv + commitment
    return header + AESGCM(key).encrypt(iv, plaintext, associated_data(header, context))


def open_blob(material, key_id, context, blob, multi_region=False) -> bytes:
    """Decrypts, or raises Refused."""
    header, sealed = blob[:HEADER_LEN], blob[HEADER_LEN:]
    if len(sealed) < 16:
        raise Refused("too short")
    mid = material_id(material, key_id)[:16]
    flags = FLAG_MULTI_REGION if multi_region else 0
    if header[:36] != struct.pack(">BBH", VERSION, SUITE, flags) + key_id + mid:
        raise Refused("another format, key or material")
    nonce, iv, commitment = header[36:52], header[52:64], header[64:80]
    derivation_context = nonce + key_id + mid + bytes([SUITE])
    if not hmac.compare_digest(derive(material, b"keyreeve/v1/commit", derivation_context, 16), commitment):
        raise Refused("commitment")
    key = derive(material, b"keyreeve/v1/enc", derivation_context, 32)
    try:
        return AESGCM(key).decrypt(iv, sealed, associated_data(header, context))
    except InvalidTag as error:
        raise Refused("tag") from error


def main() -> None:
    material, key_id = bytes(range(32)), bytes.fromhex("1234abcd12ab34cd56ef1234567890ab")
    context = {"b": "2", "a": "1"}
    blob = seal(material, key_id, context, b"hello", bytes(range(0x40, 0x50)), bytes(range(0x60, 0x6C)))
    assert open_blob(material, key_id, context, blob) == b"hello"
    print("blob", blob.hex())
    print("material id", material_id(material, key_id).hex())
    accepted = 0
    for bit in range(len(blob) * 8):
        forged = bytearray(blob)
        forged[bit // 8] ^= 1 << (bit % 8)
        try:
            open_blob(material, key_id, context, bytes(forged))
            accepted += 1
        except Refused:
            pass
    print(f"single-bit changes accepted: {accepted} of {len(blob) * 8}")
    raise SystemExit(accepted)


if __name__ == "__main__":
    main()
